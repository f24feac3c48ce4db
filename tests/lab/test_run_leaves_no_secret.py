"""Real runs on a machine full of canaries: no file that they leave holds one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import PreparedEnvironment, default_cache
from tests.redaction.canaries import KNOWN, VARIABLES, traces

ROOT = Path(__file__).parents[2]
PATIENCE = 180
SMALL = ("--runs", "2", "--calls", "2", "--concurrency", "2", "--trials", "1")

pytestmark = pytest.mark.environment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "canarymarple"
    folder.mkdir()
    return folder


@pytest.fixture
def start(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Starts one of our programs as a person does whose name, folders, keys, proxy and index are canaries."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NOX_CURRENT_SESSION", "NO_PROXY")}
    uv_cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    variables = {**VARIABLES, "LOGNAME": "canarymarple", "HOME": str(home), "NO_COLOR": "1"}
    caches = {"DIAGNOSTICS_CACHE": str(default_cache()), "UV_CACHE_DIR": uv_cache}

    def run(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env={**kept, **variables, **caches, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


def assert_clean(folder: Path, *names: str) -> None:
    paths = [path for path in folder.resolve().rglob("*") if path.is_file()]
    assert set(names) <= {path.name for path in paths}
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert traces(text, KNOWN) == [], path.name
        assert str(folder.parent) not in text, path.name


def test_a_run_leaves_none(
    start: Callable[..., subprocess.CompletedProcess[str]],
    home: Path,
    environment: Callable[[str], PreparedEnvironment],
    combination: Callable[[str], Combination],
) -> None:
    environment("httpx2")
    slug = combination("httpx2").slug
    reports = home / "reports"
    words = ["diagnostics", "repro", "--profile", "smoke", "--offline", "--environment", slug, *SMALL]
    done = start(*words, "--reports", str(reports))
    assert done.returncode == 0, done.stderr
    assert_clean(reports / "latest", "trials.jsonl", "run.json", "environments.json", "report.md", "summary.json")
    run = json.loads((reports / "latest" / "run.json").read_bytes())
    assert run["command"][-2:] == ["--reports", "~/reports"]
    assert run["redacted"] == {"home": 1}
    assert "Redacted: 1 piece of text." in (reports / "latest" / "report.md").read_text(encoding="utf-8")

    again = start("diagnostics", "report", str(reports / "latest"))
    assert again.returncode == 0, again.stderr
    assert_clean(reports / "latest", "report.md")


def test_a_phase_leaves_none(
    start: Callable[..., subprocess.CompletedProcess[str]],
    home: Path,
    environment: Callable[[str], PreparedEnvironment],
    combination: Callable[[str], Combination],
) -> None:
    environment("httpx2")
    slug = combination("httpx2").slug
    words = ["diagnostics.phase3", "--instrument", "--offline", "--json", "-", "--environment", slug, *SMALL]
    done = start(*words, "--reports", str(home / "reports"))
    assert done.returncode == 0, done.stderr
    (folder,) = (home / "reports").iterdir()
    assert_clean(folder, "phase3.json", "phase3.md", "phase3.events.jsonl")
    assert traces(done.stdout, KNOWN) == []


PROGRAM = """
import asyncio, os
class CanaryClient: ...
loop = asyncio.new_event_loop()
async def ask(key="sk-proj-CanaryOfOpenAi4711abcdefGHIJ", proxy=os.environ["HTTPS_PROXY"]): await asyncio.sleep(0)
transport = loop.run_until_complete(ask()); loop.close()
try: loop.call_soon(print, "sk-ant-api03-CanaryOfAnthropic_4712-xyz", "canary.of no form! at all", "http://a:canaryproxyword@h")
except RuntimeError: pass
"""


def test_the_document_of_a_persons_own_program_holds_their_paths_and_no_key(
    start: Callable[..., subprocess.CompletedProcess[str]], home: Path
) -> None:
    program, document = home / "main.py", home / "found.json"
    program.write_text(PROGRAM, encoding="utf-8")
    arguments = ["--api-key", "canarysignature", "--token=canaryindexword", VARIABLES["OPENAI_API_KEY"]]
    done = start("diagnostics", "run", "--json", str(document), str(program), *arguments, folder=home)
    found = json.loads(document.read_bytes())
    assert [finding["kind"] for finding in found["findings"]] == ["use-after-loop-close"]
    secrets = [each for each in KNOWN if each not in ("canarymarple", "canaryproxyuser")]
    assert traces(document.read_text(encoding="utf-8"), secrets) == []
    assert traces(done.stderr, secrets) == []
    assert str(program) in json.dumps(found), "their own paths are theirs"
    assert found["program"]["argv"][1:] == ["--api-key", "<key>", "--token=<key>", "<key>"]
