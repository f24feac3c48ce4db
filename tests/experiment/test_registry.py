"""Folder and table, compared both ways: what is written but not registered is found, and so is the other way round."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import diagnostics
from benchmarks.bridges import BRIDGES
from benchmarks.parts import PARTS
from diagnostics.cli import COMMANDS
from diagnostics.experiment.fix import Fix
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.model.cell import BASELINE
from diagnostics.model.libraries import named, placed
from diagnostics.report.formats.registry import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(diagnostics.__file__).parent
NOT_A_COMMAND = {"group", "looking", "options", "progress", "proving", "signals"}
TABLES: dict[str, tuple[Mapping[str, object], set[str]]] = {
    "experiment/providers": (PROVIDERS, set()),
    "experiment/scenarios": (SCENARIOS, set()),
    "experiment/fixes": (FIXES, set()),
    "cli": (COMMANDS, NOT_A_COMMAND),
    "../benchmarks/parts": (PARTS, set()),
}


def modules(folder: str) -> set[str]:
    return {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("folder", TABLES)
def test_every_file_is_one_row_and_every_row_one_file(folder: str) -> None:
    table, others = TABLES[folder]
    assert {name.replace("_", "-") for name in modules(folder) - others} == set(table)
    assert others <= modules(folder)


def test_every_bridge_is_one_file() -> None:
    assert sorted(BRIDGES.values()) == sorted(modules("../benchmarks/bridges/adapters"))


def test_every_format_is_rendered_by_a_module_of_its_own() -> None:
    rendering = {name: format_.render.__module__.rpartition(".")[2] for name, format_ in FORMATS.items()}
    # A module that is called json would hide the standard library's.
    assert rendering == {name: "view_json" if name == "json" else name for name in FORMATS}
    assert set(rendering.values()) <= modules("report/formats") | modules("report/page") | modules("report/issues")


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_is_called_like_its_row_and_has_every_method(name: str) -> None:
    provider = PROVIDERS[name]
    assert provider.name == name
    assert provider.distribution
    methods = ("build", "build_sync", "ask", "ask_sync", "abandon", "abandon_sync", "close", "close_sync")
    assert [method for method in methods if not callable(getattr(provider, method, None))] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_called_like_its_row_and_says_what_it_does(name: str) -> None:
    assert SCENARIOS[name].name == name
    assert SCENARIOS[name].summary.strip()


@pytest.mark.parametrize("name", FIXES)
def test_a_fix_is_called_like_its_row_and_says_what_it_costs(name: str) -> None:
    fix = FIXES[name]
    assert issubclass(fix, Fix)
    assert fix.name == name
    assert fix.trade_off.strip()
    assert (fix.__doc__ or "").strip()
    assert fix.needs >= (3, 10)


def test_the_control_is_the_base_unchanged() -> None:
    own = {name for name in vars(FIXES[BASELINE]) if not name.startswith("__")}
    assert own == {"name", "trade_off"}


@pytest.mark.parametrize("folder", ["experiment/providers", "experiment/scenarios", "experiment/fixes", "cli"])
def test_siblings_never_import_each_other(folder: str) -> None:
    parent = f"diagnostics.{folder.replace('/', '.')}"
    table = {f"{parent}.{name.replace('-', '_')}" for name in TABLES[folder][0]}
    for path in (PACKAGE / folder).glob("*.py"):
        if path.stem != "__init__":
            assert imported(path, parent) & table == set(), path.name


def imported(path: Path, parent: str) -> set[str]:
    """Every module that a file may import, `from` a package included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or "" if not node.level else ".".join(filter(None, (parent, node.module)))
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def test_a_provider_with_its_own_environments_is_in_the_matrix_and_in_nobody_elses_environment() -> None:
    matrix = load_matrix()
    for name in placed("own"):
        own = [combination for combination in matrix if combination.value(name) is not None]
        assert own, f"{name} is in no environment: add an include entry to the matrix"
        others = [other for other in named("sdk") if other != name]
        for combination in own:
            assert set(combination.slug.split("_")[1:]) == {f"{n}-{version}" for n, version in combination.packages}
            assert not any(combination.value(other) for other in others)


def test_a_new_provider_renames_no_environment() -> None:
    matrix = load_matrix()
    shared = [combination for combination in matrix if not any(combination.value(name) for name in placed("own"))]
    words = {word.rpartition("-")[0] for combination in shared for word in combination.slug.split("_")[1:]}
    assert words.isdisjoint(placed("own"))
