"""No command prints or writes a planted secret, wherever it takes it from: words, variables, code, messages, records.

The commands are those of the command line itself, so one without a row here fails. What they do with real SDKs and a
package index is in `tests/lab/test_run_leaves_no_secret.py`.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from diagnostics.cli import COMMANDS
from diagnostics.report.formats.registry import FORMATS
from tests.redaction.canaries import DISGUISES, SPELLINGS, VARIABLES, traces

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[2]
SAMPLE: Final = ROOT / "reports" / "sample"
SEARCH: Final = ROOT / "reports" / "history" / "openai-repeated-run.json"
PATIENCE: Final = 300

KEY: Final = VARIABLES["OPENAI_API_KEY"]
WORD: Final = VARIABLES["MY_SESSION_TOKEN"]
FORMED: Final = ("sk-proj-StrangerCanary0815abcdefgh", "ghp_StrangerCanary0815abcdefghijklmnop")
PLACED: Final = "PlacedCanary4711x"
SECRETS: Final = (KEY, WORD, *FORMED, PLACED, "canaryproxyword", "canaryindexword", "canarysignature")
HIDDEN: Final = {name: spell(KEY) for name, spell in {**SPELLINGS, **DISGUISES}.items()}

SPOKEN: Final = (
    *(f"{name}: {text}" for name, text in HIDDEN.items()),
    *FORMED,
    WORD,
    f"Authorization: Bearer {PLACED}",
    f"x-api-key: {PLACED}",
    f"https://me:{PLACED}@h.example/v1?api_key={PLACED}",
    f"DB_PASSWORD='{PLACED}'",
    "http://a:canaryproxyword@h.example/",
)
"""What an exception or a server says."""

ARGUMENTS: Final = (
    *("--credential", PLACED, f"--auth={PLACED}", "--user", f"me:{PLACED}", "-H", f"Authorization: Bearer {PLACED}"),
    *(f'{{"api_key": "{PLACED}"}}', f"https://me:{PLACED}@h.example/?sig={PLACED}", KEY, f"password={PLACED}"),
)

PROGRAM: Final = f"""
import asyncio, sys

def use(loop, *said, headers=None):
    try:
        loop.call_soon(print, *said)
    except RuntimeError:
        pass

loop = asyncio.new_event_loop(); loop.close()
use(loop, headers={{"api-key": "{PLACED}", "Authorization": "Basic {PLACED}"}})
"""

FIXABLE: Final = f"""
import asyncio, sys
import httpx

KEY = "{KEY}"
HEADERS = {{"Authorization": "Bearer {PLACED}"}}





client = httpx.AsyncClient(base_url="http://127.0.0.1:1")

async def main():
    try:
        await client.get("/")
    except httpx.ConnectError:
        print("no server")

asyncio.run(main())
"""


class Stage:
    """A folder of its own for one command: what it finds there, and what it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        folder.mkdir()

    @property
    def variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("NOX_CURRENT_SESSION", "NO_PROXY")}
        caches = {"DIAGNOSTICS_CACHE": str(self.folder / "cache"), "UV_OFFLINE": "1", "NO_COLOR": "1"}
        return {**kept, **VARIABLES, **caches, "HOME": str(self.folder), "PYTHONPATH": str(ROOT)}

    def put(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line, and remembers what it prints; it ends with a status of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "diagnostics", *words],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode in (0, 1, 2, 66), (words[0], done.stderr)
        assert "Traceback (most recent call last)" not in done.stderr, done.stderr
        self.said += [done.stdout, done.stderr]
        return done

    def poisoned(self, name: str) -> str:
        """A run folder of somebody who removed nothing from it."""
        run, said = self.folder / name, "\n".join(SPOKEN)
        (run / "timelines").mkdir(parents=True)
        trials = [json.loads(line) for line in (SAMPLE / "trials.jsonl").read_text(encoding="utf-8").splitlines()[:6]]
        for trial in trials:
            trial["evidence"] = said
        (run / "trials.jsonl").write_text("".join(json.dumps(each) + "\n" for each in trials), encoding="utf-8")
        rows: list[dict[str, Any]] = json.loads((SAMPLE / "environments.json").read_text(encoding="utf-8"))
        for row in rows:
            row["reason"] = said
        (run / "environments.json").write_text(json.dumps(rows), encoding="utf-8")
        meta = json.loads((SAMPLE / "run.json").read_text(encoding="utf-8"))
        meta["command"] = [*meta["command"], *ARGUMENTS]
        (run / "run.json").write_text(json.dumps(meta), encoding="utf-8")
        return name


def run(stage: Stage) -> None:
    lines = "\n".join(f"use(loop, {text!r})" for text in SPOKEN)
    name = stage.put(f"program {FORMED[0]}.py", PROGRAM + lines)
    for number, options in enumerate(
        (("--json", "found.json", "--full"), ("--live", "--follow"), ("--format", "github"), ("--format", "jsonl"))
    ):
        done = stage.start("run", *options, "--", name, *ARGUMENTS)
        assert number > 1 or "call_soon" in done.stderr, "the evidence stays"
    stage.start("run", "--format", "sarif", "--output", "found.sarif", "--", name, *ARGUMENTS)
    found = json.loads((stage.folder / "found.json").read_bytes())["findings"]
    assert len(found) > len(HIDDEN), "every line is a finding"


def fix(stage: Stage) -> None:
    name = stage.put("main.py", FIXABLE)
    given = (
        "--yes",
        "--trials",
        "1",
        "--json",
        "fix.json",
        "--patch-output",
        "fix.patch",
        "--env",
        f"API_KEY={PLACED}",
    )
    stage.start("fix", *given, "--", name, *ARGUMENTS)
    stage.start("fix", "--patch", stage.put("bad.patch", "\n".join(SPOKEN)), "--", name)


def prove(stage: Stage) -> None:
    for folder, more in (("old", ""), ("new", f"\nasyncio.run(client.aclose())  # {FORMED[0]}\n")):
        stage.put(f"{folder}/main.py", FIXABLE + more)
    given = ("--yes", "--trials", "1", "--before", "old", "--after", "new", "--json", "proof.json")
    stage.start("prove", *given, "--", "main.py", *ARGUMENTS)


def check(stage: Stage) -> None:
    stage.put("src/main.py", FIXABLE + f"asyncio.run(main())  # {FORMED[0]} {HIDDEN['base64']}\n")
    for name in ("text", "sarif", "github"):
        stage.start("check", "--format", name, "src")


def explain(stage: Stage) -> None:
    stage.start("explain", KEY)


def repro(stage: Stage) -> None:
    stage.start("repro", "--offline", "--resume", stage.poisoned("run"), "--reports", "reports")
    stage.start("repro", "--offline", "--environment", KEY, "--reports", "reports")


def diagnose(stage: Stage) -> None:
    stage.start("diagnose", "--phase", "6", "--compare", stage.poisoned("run"), "--reports", "reports")


def bisect(stage: Stage) -> None:
    stage.start("bisect", "openai", "--by", KEY)
    stage.start("bisect", "openai", "--script", stage.put("mine.py", "\n".join(f"# {each!r}" for each in SPOKEN)))


def history(stage: Stage) -> None:
    search = json.loads(SEARCH.read_text(encoding="utf-8"))
    search["command"] = [*search["command"], *ARGUMENTS]
    search["cannot_tell"] = [*SPOKEN]
    stage.put("kept/openai.json", json.dumps(search))
    stage.start("history", "kept")


def report(stage: Stage) -> None:
    name = stage.poisoned("run")
    every = [word for each in FORMATS if each not in ("issue", "png") for word in ("--format", each)]
    stage.start("report", name, *every, "--out", "out")
    stage.start("report", name, name, "--format", "markdown")
    stage.start("report", name, "--for", "openai-python", "--unverified", "--python", sys.executable, "--out", "out")


def merge(stage: Stage) -> None:
    stage.start("merge", stage.poisoned("one"), stage.poisoned("two"), "--out", "merged")


def serve(stage: Stage) -> None:
    command = [sys.executable, "-m", "diagnostics", "serve", "--json", "-"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=stage.folder, env=stage.variables, **pipes) as server:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        host, _, port = ready["url"].removeprefix("https://").partition(":")
        asked = http.client.HTTPSConnection(
            host, int(port), context=ssl.create_default_context(cafile=ready["ca_file"])
        )
        for body in (json.dumps({"model": KEY, "messages": [{"role": "user", "content": PLACED}]}), "\n".join(HIDDEN)):
            asked.request("POST", f"/openai/v1/{PLACED}", body.encode(), {"Authorization": f"Bearer {KEY}"})
            asked.getresponse().read()
        asked.close()
        server.send_signal(signal.SIGTERM)
        stage.said += server.communicate(timeout=PATIENCE)


def jets(stage: Stage) -> None:
    few = ("--jets", "1", "--templates", "simple_list", "--efforts", "low", "--retries", "0")
    files = ("--csv", "jets.csv", "--answers", "answers.csv")
    stage.start("jets", *few, *files, "--base-url", f"http://me:{PLACED}@127.0.0.1:1/v1?api_key={PLACED}")


def lock(stage: Stage) -> None:
    stage.start("lock", "--check", "--matrix", stage.put("matrix.toml", "\n".join(SPOKEN)))
    stage.start("lock", "--check", "--output", "locks")


def async_tools(stage: Stage) -> None:
    stage.start("async-tools")


ROWS: Final[dict[str, Callable[[Stage], None]]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        *(run, fix, prove, check, explain, repro, diagnose, bisect, history, report, merge, serve, jets, lock),
        async_tools,
    )
}


def left(folder: Path, given: dict[Path, str]) -> Iterator[tuple[str, str]]:
    """Each file that there is now: its name, and the lines of it that it was not given."""
    for path in folder.rglob("*"):
        if path.is_file() and "cache" not in path.parts:
            before = set(given.get(path, "").splitlines())
            lines = path.read_bytes().decode(errors="replace").splitlines()
            new = [line for line in lines if line not in before]
            if new or path not in given:  # the name of a file that it was given is not its own
                yield str(path.relative_to(folder)), "\n".join(new)


def test_every_command_has_a_row() -> None:
    assert set(ROWS) == set(COMMANDS)


@pytest.mark.parametrize("command", ROWS)
def test_no_command_prints_or_writes_a_secret(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path / "stage")
    given: dict[Path, str] = {}
    put = Path.write_text

    def noted(path: Path, text: str, **words: Any) -> int:
        given[path] = text
        return put(path, text, **words)

    monkeypatch.setattr(Path, "write_text", noted)
    ROWS[command](stage)
    for where, text in [("the screen", said) for said in stage.said] + [*left(stage.folder, given)]:
        assert traces(where + text, SECRETS) == [], where
        assert [name for name, hidden in HIDDEN.items() if hidden in text] == [], where
    with suppress(FileNotFoundError):
        shutil.rmtree(stage.folder)
