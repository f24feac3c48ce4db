"""Real runs on a machine full of canaries: no file that they leave holds one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import PreparedEnvironment, default_cache
from diagnostics.report.formats.registry import FORMATS
from tests.lab.bisection.index import Index, serving
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

    def run(
        *words: str, folder: Path = ROOT, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env={**kept, **variables, **caches, "PYTHONPATH": str(ROOT), **(more or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


KEYS = [each for each in KNOWN if "marple" not in each]
"""What not even the screen of that person may show."""


def assert_clean(folder: Path, *names: str) -> None:
    paths = [path for path in folder.resolve().rglob("*") if path.is_file()]
    assert set(names) <= {path.name for path in paths}
    for path in paths:
        text = path.read_bytes().decode(errors="replace")
        own = path.name == "findings.json"  # of a program of that person: its paths are theirs
        assert traces(text, KEYS if own else KNOWN) == [], path.name
        assert own or str(folder.parent) not in text, path.name


def assert_quiet(done: subprocess.CompletedProcess[str], *statuses: int) -> None:
    assert done.returncode in (statuses or (0,)), done.stderr
    for text in (done.stdout, done.stderr):
        assert traces(text, KEYS) == []
        assert "\x1b" not in text


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

    latest, other = reports / "latest", home / "other"
    assert_quiet(done)
    every = [word for name in FORMATS if name != "issue" for word in ("--format", name)]
    assert_quiet(start("diagnostics", "report", str(latest), *every))
    assert_clean(latest, "report.md", "report.html")
    assert_quiet(start(*words, "--scenario", "threads", "--fix", "context-manager", "--reports", str(other)))
    assert_quiet(start("diagnostics", "report", str(latest), str(other / "latest")))
    merged = home / "merged"
    assert_quiet(start("diagnostics", "merge", str(latest), str(other / "latest"), "--out", str(merged)))
    assert_clean(merged, "trials.jsonl", "run.json", "report.md")


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


SEARCHED = """
import openai
token = "canary.of no form! at all"
print(token, "sk-proj-C\\u200banaryOfOpenAi4711abcdefGHIJ", token.encode().hex())
if hasattr(openai, "CHANGED"):
    raise RuntimeError(f"\\x1b[31m{token}\\x1b[0m")
"""


def test_a_search_leaves_none(start: Callable[..., subprocess.CompletedProcess[str]], home: Path) -> None:
    index = Index(home)
    index.add("openai", "1.0.0", "2025-01-01", code="")
    index.add("openai", "1.1.0", "2025-02-01", code="CHANGED = True\n")
    script, kept = home / "mine.py", home / "kept"
    script.write_text(SEARCHED, encoding="utf-8")
    words = ("--python", f"{sys.version_info[0]}.{sys.version_info[1]}", "--trials", "1", "--by", "exit")
    files = ("--script", str(script), "--json", str(kept / "openai.json"))
    caches = {"DIAGNOSTICS_CACHE": str(home / "cache"), "UV_CACHE_DIR": str(home / "cache" / "uv")}
    with serving(index):
        indices = {"UV_DEFAULT_INDEX": f"{index.url}/simple", "UV_EXTRA_INDEX_URL": ""}
        assert_quiet(start("diagnostics", "bisect", "openai", *words, *files, more={**caches, **indices}))
    assert_clean(kept, "openai.json")
    assert_quiet(start("diagnostics", "history", str(kept)))


def test_the_jets_and_the_diagnosis_of_a_program_leave_none(
    start: Callable[..., subprocess.CompletedProcess[str]], home: Path
) -> None:
    few = ("--jets", "3", "--templates", "simple_list", "--efforts", "low")
    files = ("--csv", str(home / "jets.csv"), "--answers", str(home / "answers.csv"))
    assert_quiet(start("diagnostics", "jets", *few, *files), 0, 66)
    for name in ("jets.csv", "answers.csv"):
        assert traces((home / name).read_text(encoding="utf-8"), KNOWN) == []
    program, reports = home / "main.py", home / "reports"
    program.write_text(PROGRAM, encoding="utf-8")
    done = start("diagnostics", "diagnose", *SMALL, "--reports", str(reports), str(program), folder=home)
    assert_quiet(done, 0, 1)
    (folder,) = reports.iterdir()
    assert_clean(folder, "diagnosis.md")


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
