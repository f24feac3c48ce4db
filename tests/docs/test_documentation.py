"""What README and the documentation show is true: commands parse, Python blocks run, and tables come from the code."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomllib
import typer

from benchmarks.parts import PARTS
from diagnostics import pytest_plugin
from diagnostics.cli import app
from diagnostics.experiment.fixes import FIXES
from diagnostics.lab.server import ProviderServer
from diagnostics.model.libraries import LIBRARIES, base_urls, key_variables
from diagnostics.rewrite.check import options as check_options
from diagnostics.sanitizer.process import options
from tests.experiment.test_databases import found

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))}
BLOCK: Final = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST_LINES: Final = 150
EXAMPLES: Final = sorted((ROOT / "diagnostics" / "explain" / "examples").glob("*.py"))
LEAKING: Final = {"none", "instance_loop", "never_close", "loop_id_cache", "weak_key_cache"}
"""The examples that the sanitizer must report."""

NOT_RUN: Final = {"llm", "aiohttp_transport"}
"""What the others import, and what needs another package."""


@dataclass(frozen=True)
class Block:
    """A fenced block, with the HTML comment on the line before it."""

    page: str
    mark: str
    language: str
    text: str


def _blocks() -> list[Block]:
    return [
        Block(page, found["mark"] or "", found["language"], re.sub(f"(?m)^{found['indent']}", "", found["text"]))
        for page, path in PAGES.items()
        for found in BLOCK.finditer(path.read_text(encoding="utf-8"))
    ]


BLOCKS: Final = _blocks()
PROGRAMS: Final = [block for block in BLOCKS if block.language == "python" and not block.mark.startswith("example")]
OUTPUTS: Final = {block.page: block.text for block in BLOCKS if block.mark.startswith("output")}


def _commands() -> list[str]:
    shown = [
        line.removeprefix("$ ")
        for block in BLOCKS
        if block.language == "console"
        for line in block.text.splitlines()
        if line.startswith("$ ") and not block.mark.startswith("example")
    ]
    inline = r"`((?:uv run [^`]*)?(?:python -m (?:diagnostics|benchmarks)|nox -s|uvx nox) [^`]*)`"
    for path in PAGES.values():
        # Words in capitals stand for something.
        shown += [
            text for text in re.findall(inline, path.read_text(encoding="utf-8")) if not re.search("[A-Z]{3}", text)
        ]
    return sorted(set(shown))


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables with which a program of the documentation meets a server, and finds `async_tools`."""
    folder = tmp_path_factory.mktemp("copied")
    command = [sys.executable, "-m", "diagnostics", "async-tools"]
    source = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    (folder / "async_tools.py").write_bytes(source)
    with ProviderServer() as server:
        yield {
            **os.environ,
            "COLUMNS": "100",
            "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
            "SSL_CERT_FILE": str(server.ca_file),
            **base_urls(server.trial_url("documentation")),
            **dict.fromkeys(key_variables(), "none"),
        }


def test_readme_is_short() -> None:
    assert len(PAGES["README.md"].read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_links_of_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGES["README.md"].read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


def test_every_block_that_is_no_command_and_no_program_is_marked() -> None:
    assert [
        (block.page, block.text)
        for block in BLOCKS
        if block.language not in ("console", "python") and not block.mark.startswith(("example", "output"))
    ] == []


@pytest.mark.parametrize("command", _commands())
def test_a_command_parses(command: str) -> None:
    for part in command.split(" && "):
        words = shlex.split(part, comments=True)
        check(words[: words.index(">")] if ">" in words else words)


def check(words: list[str]) -> None:
    """Parse a command line with the parser of its program.

    Raises:
        AssertionError: the command is unknown here; mark its block as an example.
    """
    while "=" in words[0]:
        words = words[1:]
    match words:
        case ["uv", "run", "--with", _, *rest]:
            check(rest)
        case ["uv", "run", script, *rest]:
            assert (ROOT / script).exists()
            if rest:
                check(["nox", *rest])
        case ["uvx", "nox", *rest] | ["nox", *rest]:
            check_nox(rest)
        case [python, "-m", module, *rest] if python.rpartition("/")[2] in ("python", "python3"):
            check_module(module, rest)
        case ["event-loop-diagnostics", *rest]:
            check_diagnostics(*rest)
        case ["git", "clone", address]:
            assert address == PROJECT["urls"]["Source"]
        case _:
            pytest.fail(f"unknown command: {shlex.join(words)}")


def check_module(module: str, arguments: list[str]) -> None:
    """Parse what follows `python -m MODULE`."""
    if module == "diagnostics":
        check_diagnostics(*arguments)
    elif module.startswith("diagnostics.phase"):
        check_diagnostics("diagnose", "--phase", module.removeprefix("diagnostics.phase"), *arguments)
    elif module == "benchmarks":
        assert set(arguments) <= {*PARTS}
    elif module == "nox":
        check_nox(arguments)
    elif module == "pip":
        assert arguments[0] == "install"
        name, _, extra = arguments[-1].rstrip("]").partition("[")
        is_ours = name == f"git+{PROJECT['urls']['Source']}"
        assert is_ours or name == "nox" or extra in PROJECT["optional-dependencies"]
    elif module == "pytest":
        parser = pytest.Parser(_ispytest=True)
        pytest_plugin.pytest_addoption(parser, pytest.PytestPluginManager())
        asked = [word for word in arguments if word.startswith("--event-loops")]
        assert not parser.parse_known_and_unknown_args(asked)[1]
    else:
        pytest.fail(f"unknown module: {module}")


def check_diagnostics(name: str, *arguments: str) -> None:
    if name == "run":
        options.read(list(arguments))
        return
    if name == "check":
        before = list(arguments)[: arguments.index("--")] if "--" in arguments else list(arguments)
        check_options.parser().parse_args(before)
        return
    group: Any = typer.main.get_command(app)
    group.commands[name].make_context(name, list(arguments))


def check_nox(arguments: list[str]) -> None:
    if "-s" not in arguments:
        assert arguments[0] in ("--list", "-l")
        return
    session = arguments[arguments.index("-s") + 1].partition("(")[0]
    assert re.search(rf"^def {session}\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    if "--" in arguments:
        check_diagnostics(session, *arguments[arguments.index("--") + 1 :])


@pytest.mark.environment
@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.page)
def test_a_program_runs(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(block.text, encoding="utf-8")
    ran = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=False)
    if block.mark != "file: app.py":
        assert (ran.returncode, ran.stderr) == (0, "")
        return
    command = [sys.executable, "-m", "diagnostics", "run", program.name]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    parts = [part.strip("\n") for part in OUTPUTS[block.page].split("…")]
    assert [part for part in parts if part not in ran.stderr] == [], ran.stderr


SERVERS: Final = {
    "needs a PostgreSQL server": (
        "asyncpg",
        "import asyncpg; from async_tools import LoopLocal; create_async_engine = None",
        '"postgresql://localhost/postgres"',
    ),
    "needs a Redis server": (
        "redis",
        "from async_tools import LoopLocal; import redis.asyncio as it; Redis = lambda: it.Redis.from_url(ADDRESS)",
        "nothing else",
    ),
}
"""What a block of such a mark needs: a provider, names, and the text that stands for the address."""


@pytest.mark.environment
@pytest.mark.parametrize("block", [each for each in BLOCKS if each.mark[9:] in SERVERS], ids=lambda block: block.page)
def test_a_program_with_a_server_fails_without_a_client_per_loop(
    block: Block, environment: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    provider, names, address = SERVERS[block.mark[9:]]
    url = request.getfixturevalue(f"{LIBRARIES[provider].server}_url")
    program = tmp_path / "app.py"
    program.write_text(f"ADDRESS = {url!r}; import asyncio; {names}\n{block.text.replace(address, 'ADDRESS')}")
    ran = subprocess.run(
        [found(provider).python, program], env=environment, capture_output=True, text=True, check=False
    )
    if "LoopLocal" in block.text:
        assert (ran.returncode, ran.stderr) == (0, "")
    else:
        assert "RuntimeError: " in ran.stderr


@pytest.mark.environment
@pytest.mark.parametrize("example", [path for path in EXAMPLES if path.stem not in NOT_RUN], ids=lambda path: path.stem)
def test_the_sanitizer_agrees_with_an_example(example: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "diagnostics", "run", "--leaks", "error", str(example)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode != 0) == (example.stem in LEAKING), ran.stderr


WAITING: Final = "example: waits until a signal or the time limit comes"
"""The mark of a program that never ends; the next block is what is said about it."""


@pytest.mark.environment
@pytest.mark.parametrize("at", [n for n, block in enumerate(BLOCKS) if block.mark == WAITING])
def test_a_program_that_waits_for_ever_is_named_at_the_time_limit(
    at: int, environment: dict[str, str], tmp_path: Path
) -> None:
    program, said = tmp_path / "app.py", BLOCKS[at + 1]
    assert said.mark == "example: printed at the time limit"
    program.write_text(BLOCKS[at].text, encoding="utf-8")
    command = [sys.executable, "-m", "diagnostics", "run", "--timeout", "10", program.name]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert " ".join(said.text.split()) in " ".join(ran.stderr.split())


def test_every_example_is_of_a_fix() -> None:
    assert {path.stem for path in EXAMPLES} <= {name.replace("-", "_") for name in FIXES} | {"llm"}


def test_every_generated_table_is_in_a_page_and_has_content(generate: ModuleType) -> None:
    asked = [name for path in PAGES.values() for name in generate.MARKER.findall(path.read_text(encoding="utf-8"))]
    assert sorted(asked) == sorted(generate.TABLES)
    assert [name for name in asked if not generate.TABLES[name]().strip()] == []


def test_the_reference_of_commands_has_all_of_them_with_their_options(generate: ModuleType) -> None:
    text = generate.commands()
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        section = text.partition(f"## `python -m diagnostics {name}`")[2].partition("\n## ")[0]
        wanted = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in wanted if option not in section and option != "--help"] == []


def test_the_functions_below_the_commands_exist() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    names = re.findall(r"`(diagnostics(?:\.\w+)+)\.(\w+)`", page)
    assert len(names) > 8
    assert [name for module, name in names if not hasattr(import_module(module), name)] == []
