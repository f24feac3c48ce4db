"""Suites under pytest with the plugin, as a person runs them: the comments in `programs` say who is to blame."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.blame import running

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).with_name("programs")
NAMES = {"fixtures.py": "conftest.py", "service.py": "service.py"}
_EXPECTED = re.compile(r"# BLAME (\S+) (\S+)(?: (\S+) (\S+))?$")
Blame = tuple[str, int, str, str, "str | None", "str | None"]


@dataclass(frozen=True)
class SuiteRun:
    """A run of pytest: how it ended, what it printed, what it found."""

    folder: Path
    status: int
    output: str
    document: dict[str, Any]

    @property
    def blamed(self) -> set[Blame]:
        """File and line that create the client, node id, phase, fixture and scope of each first-party finding."""
        return {_blame(each) for each in self.document["findings"] if each["fault"]["component"] == "user"}

    @property
    def advice(self) -> str:
        """The code of all advice."""
        return "\n".join(each["code"] for cause in self.document["root_causes"] for each in cause["advice"])

    def hurt(self, line: str) -> set[str]:
        """The tests that are hurt by the client whose creation has this code."""
        found = [each for each in self.document["findings"] if line in each["client"]["created_at"]["code"]]
        return {name for each in found for name in each["test"]["hurt"]}


def _blame(finding: dict[str, Any]) -> Blame:
    site, test = finding["client"]["created_at"], finding["test"]
    names = (test["nodeid"], test["phase"], test["fixture"], test["scope"])
    return Path(site["file"]).name, site["line"], *names


def expected(*programs: str) -> set[Blame]:
    """What the comments in the programs say."""
    found: set[Blame] = set()
    for name in programs:
        for number, line in enumerate((PROGRAMS / name).read_text().splitlines(), 1):
            match = _EXPECTED.search(line)
            if match is not None:
                found.add((copied(name), number, match[1], match[2], match[3], match[4]))
    return found


def copied(name: str) -> str:
    """The name that a program has in a suite."""
    return NAMES.get(name, f"test_{name}")


@pytest.fixture(scope="session")
def installed(shared: Path) -> Path:
    """A folder that makes pytest find the plugin as it does where the distribution is installed."""
    return running.installed(shared)


@pytest.fixture(scope="session")
def run_suite(
    interpreter: Callable[[str], Path],
    surroundings: Callable[[str], dict[str, str]],
    installed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., SuiteRun]:
    """Runs pytest in a folder with these files and arguments."""

    def run(
        files: dict[str, str],
        *arguments: str,
        environment: str = "pytest",
        under: tuple[str, ...] = (),
        asked: bool = True,
        more: dict[str, str] | None = None,
    ) -> SuiteRun:
        folder = tmp_path_factory.mktemp("suite")
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "pytest.ini").write_text(
            f"[pytest]\nasyncio_default_fixture_loop_scope = function\ncache_dir = {folder.with_suffix('.cache')}\n"
        )
        around = surroundings("plugin")
        around |= {"PYTHONPATH": f"{around['PYTHONPATH']}:{installed}", "COLUMNS": "100"}
        around = {name: value for name, value in around.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
        options = ("-m", "pytest", *(["--event-loops-json=findings.json"] if asked else []), *arguments)
        done = subprocess.run(
            [interpreter(environment), *under, *options],
            cwd=folder,
            env={**around, **(more or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        file = folder / "findings.json"
        document = json.loads(file.read_text()) if file.exists() else {}
        return SuiteRun(folder, done.returncode, done.stdout + done.stderr, document)

    return run


def programs(*names: str) -> dict[str, str]:
    """The files of a suite."""
    return {copied(name): (PROGRAMS / name).read_text() for name in names}
