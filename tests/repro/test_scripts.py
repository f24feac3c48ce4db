"""The scripts for upstream: what stands in them is what they print, with real SDKs of each generation."""

from __future__ import annotations

import ast
import os
import re
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomllib

from repro import repeated_run
from repro.templates.render import render
from tests.repro.filecheck import first_mismatch, read_checks

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "repro"
SCRIPTS = ("concurrency_sweep", "gc_between_runs", "gc_inside_run", "jet_count_sweep", "repeated_run")
PREFIXES = {"openai-1": "CHECK-HTTPX", "openai-2": "CHECK-HTTPX", "openai-3": "CHECK-HTTPX2"}
RESULT = re.compile(r"RESULT: raised=\d+ logged=\d+ retried=\d+ lost=\d+ other=\d+ answers=\d+ calls=\d+")
SDK_WITH_A_NEW_CONNECTION_FOR_EACH_CALL = """
import asyncio, json, types, urllib.parse

class AsyncOpenAI:
    def __init__(self, base_url, **_):
        self.port = urllib.parse.urlsplit(base_url).port
        self.chat = types.SimpleNamespace(completions=self)

    async def create(self, **body):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = json.dumps(body).encode()
        writer.write(b"POST /v1 HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(data), data))
        length = int((await reader.readuntil(b"\\r\\n\\r\\n")).split(b"Content-Length:")[1])
        answer = json.loads(await reader.readexactly(length))
        writer.close()
        await writer.wait_closed()
        return answer
"""
SDK_THAT_DOES_NOT_FIT = "def AsyncOpenAI(**_): raise TypeError('unexpected keyword argument: proxies')"
SDK_WITHOUT_A_NETWORK = """
class AsyncOpenAI:
    def __init__(self, **_):
        self.chat = self.completions = self

    async def create(self, **_):
        raise OSError("no route to host")
"""


def run(python: str | Path, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENAI", "COVERAGE"))}
    command = [str(python), *(("-S",) if python == sys.executable else ()), str(FOLDER / f"{script}.py"), *arguments]
    variables = {**clean, **variables}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=240)


def source(script: str) -> str:
    return (FOLDER / f"{script}.py").read_text(encoding="utf-8")


@pytest.fixture
def fake_sdk(tmp_path: Path) -> Callable[[str], str]:
    """Writes an `openai` that consists of the text; gives the folder to import it from."""

    def write(text: str) -> str:
        (tmp_path / "openai.py").write_text(text, encoding="utf-8")
        metadata = tmp_path / "openai-9.9.9.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text("Metadata-Version: 2.1\nName: openai\nVersion: 9.9.9\n", encoding="utf-8")
        return str(tmp_path)

    return write


@pytest.mark.environment
@pytest.mark.parametrize("generation", PREFIXES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_prints_what_its_checks_say(script: str, generation: str, sdk_python: Callable[[str], Path]) -> None:
    done = run(sdk_python(generation), script)
    checks = read_checks(source(script), {"CHECK", PREFIXES[generation]})
    assert not first_mismatch(checks, done.stdout), f"{first_mismatch(checks, done.stdout)}\n{done.stdout}{done.stderr}"
    assert RESULT.fullmatch(done.stdout.splitlines()[-1])
    assert (done.returncode, done.stderr) == (0 if script == "gc_between_runs" else 1, "")


@pytest.mark.environment
def test_the_first_exception_is_shown_in_full_on_request(sdk_python: Callable[[str], Path]) -> None:
    done = run(sdk_python("openai-3"), "repeated_run", "--traceback", "--runs", "2", "--calls", "2", "--retries", "0")
    assert done.stdout.count("Traceback (most recent call last):") == 2  # one exception and the one it came from
    assert "httpcore2/_async/http11.py" in done.stdout
    assert done.stdout.splitlines()[-1] == "RESULT: raised=2 logged=0 retried=0 lost=2 other=0 answers=2 calls=4"


def test_the_server_answers_calls_made_together_only_when_all_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loaded machine the second comes late; answered before, the first would lend it its connection."""
    monkeypatch.setattr(repeated_run.Server, "PATIENCE", 600)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # the server sets them; put back at the end
    server = repeated_run.Server()
    server.together = 2
    request = b"POST /v1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d"
    address = server.listener.getsockname()
    with (
        socket.create_connection(address, timeout=60) as first,
        socket.create_connection(address, timeout=60) as second,
    ):
        first.sendall(request % 1)
        while not server.requests:
            server.settle()
        assert select.select([first], [], [], 0)[0] == []
        second.sendall(request % 2)
        assert [it.recv(12) for it in (first, second)] == [b"HTTP/1.1 200"] * 2


def test_the_folder_holds_these_scripts_and_the_readme_names_each() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == list(SCRIPTS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [script for script in SCRIPTS if f"`{script}.py`" not in readme] == []


def test_the_scripts_are_what_the_templates_render() -> None:
    """Renew them by `uv run repro/templates/render.py`."""
    assert render() == {f"{script}.py": source(script) for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_needs_the_sdk_alone_and_reads_on_the_oldest_python(script: str) -> None:
    tree = ast.parse(source(script), feature_version=(3, 10))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"openai"}

    header = re.search(r"(?ms)^# /// script$(.*?)^# ///$", source(script))
    assert header
    said = tomllib.loads(re.sub(r"(?m)^# ?", "", header[1]))
    assert said == {"requires-python": ">=3.10", "dependencies": ["openai"]}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_expectation_belongs_to_a_generation_that_is_tested(script: str) -> None:
    known = {"CHECK", *PREFIXES.values()}
    used = set(re.findall(r"(?m)^# (CHECK[A-Z0-9-]*):", source(script)))
    assert used <= known
    assert [check for check in read_checks(source(script), known) if not check.pattern().pattern] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_the_sdk_it_says_in_one_line_what_to_install(script: str) -> None:
    done = run(sys.executable, script)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "No module named 'openai': pip install openai\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_needs_no_sdk_and_opens_with_the_docstring(script: str) -> None:
    done = run(sys.executable, script, "--help")
    assert done.returncode == 0
    assert str(ast.get_docstring(ast.parse(source(script)))) in done.stdout
    assert "--retries" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("option", ["--runs=0", "--retries=-1", "--runs=many"])
def test_an_impossible_load_is_refused(script: str, option: str) -> None:
    done = run(sys.executable, script, option)
    assert done.returncode == 2
    assert "error: " in done.stderr


@pytest.mark.parametrize("script", ["repeated_run", "gc_inside_run"])
def test_an_sdk_without_the_error_gives_status_0(script: str, fake_sdk: Callable[[str], str]) -> None:
    done = run(sys.executable, script, PYTHONPATH=fake_sdk(SDK_WITH_A_NEW_CONNECTION_FOR_EACH_CALL))
    calls = 30 if script == "repeated_run" else 15
    expected = f"RESULT: raised=0 logged=0 retried=0 lost=0 other=0 answers={calls} calls={calls}"
    assert (done.stdout.splitlines()[-1], done.returncode, done.stderr) == (expected, 0, "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_sdk_that_cannot_be_built_is_not_taken_for_the_error(script: str, fake_sdk: Callable[[str], str]) -> None:
    done = run(sys.executable, script, PYTHONPATH=fake_sdk(SDK_THAT_DOES_NOT_FIT))
    assert done.returncode == 2
    assert done.stderr.endswith("TypeError: unexpected keyword argument: proxies\n")


def test_calls_that_fail_for_another_reason_are_not_taken_for_the_error(fake_sdk: Callable[[str], str]) -> None:
    done = run(sys.executable, "repeated_run", PYTHONPATH=fake_sdk(SDK_WITHOUT_A_NETWORK))
    assert done.returncode == 2
    assert "5 x other: OSError: no route to host" in done.stdout
    assert done.stdout.splitlines()[-1] == "RESULT: raised=0 logged=0 retried=0 lost=0 other=30 answers=0 calls=30"
