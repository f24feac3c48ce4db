"""Suites in which known tests leave clients open: whom does each tool blame? And what does the plugin cost a suite?"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uv

from benchmarks import instructions
from benchmarks.answering import answering
from benchmarks.blame.judge import wrong
from benchmarks.blame.running import ASKED, QUIET, installed, run
from benchmarks.blame.suites import Suite, suite
from benchmarks.figures import Bench, Figure, one_core
from diagnostics.lab.execution.staging import stage_code

SUITES = 1000
PEER_SUITES = 30
TESTS = 2000
PACKAGES: Final = ("httpx2==2.16.2", "pytest==9.2.0", "pytest-asyncio==1.5.0", "pytest-xdist==3.8.0", "pyleak==0.2.0")
_ERROR: Final = ("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Of everything but that the modules of plugins are imported already, as `warm.py` does."""

PEERS: Final = {"pytest -W error": ("", *_ERROR), "task difference": ("tasks",), "pyleak": ("pyleak",)}
_MODES: Final = ("off", "report")
_MANY: Final = """
import asyncio
import pytest

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range({count}))
async def test_it(number):
    await asyncio.sleep(0)
"""


def measure(bench: Bench) -> list[Figure]:
    """Counts the suites in which a tool blames exactly who leaks."""
    with tempfile.TemporaryDirectory() as name, answering(Path(name)) as (urls, _):
        folder = Path(name)
        python = _environment(folder / "environment")
        around = {**os.environ, "PEER": urls["no TLS"], "PYTHONPATH": f"{stage_code(bench.cache)}:{installed(folder)}"}
        count = bench.count(SUITES)
        bench.say(f"{count} suites with the plugin")
        suites = [suite(seed) for seed in range(count)]
        folders = run(python, suites, folder / "ours", around, *ASKED)
        wrongs = [wrong(*pair) for pair in zip(suites, folders, strict=True)]
        for seed, problems in enumerate(wrongs):
            if problems:
                bench.say(f"seed {seed}: {'; '.join(problems)}")
        right = sum(not problems for problems in wrongs)
        figures = [Figure("the plugin: suites right", f"{right} of {count}", goal="all of them")]
        alone = [each for each in suites if each.workers == "-n0"][: bench.count(PEER_SUITES)]
        for peer, (blames, *options) in PEERS.items():
            bench.say(f"{len(alone)} suites with {peer}")
            where = run(python, alone, folder / f"peer-{peer}", {**around, "BLAMES": blames}, "-p", "peers", *options)
            figures.append(Figure(f"{peer}: suites right", _peer(alone, where)))
        return [*figures, *_cost(bench, python, folder, around)]


def _environment(folder: Path) -> Path:
    program = uv.find_uv_bin()
    subprocess.run([program, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([program, "pip", "install", "--quiet", "--python", python, *PACKAGES], check=True)
    return python


def _peer(suites: Sequence[Suite], folders: Sequence[Path]) -> str:
    """Returns in how many suites a tool blames all tests that leak and no other, some other, and nobody."""
    right = others = silent = 0
    for each, folder in zip(suites, folders, strict=True):
        blamed = set(json.loads((folder / "blamed.json").read_text(encoding="utf-8")))
        guilty = set().union(*(answer.nodeids for answer in each.answers))
        silent += not blamed
        others += bool(blamed - guilty)
        right += blamed <= guilty and all(answer.nodeids & blamed for answer in each.answers)
    return f"{right} of {len(suites)}; a wrong test in {others}, silent in {silent}"


def _cost(bench: Bench, python: Path, folder: Path, around: dict[str, str]) -> list[Figure]:
    count = bench.count(TESTS)
    bench.say(f"{count} small async tests, with and without")
    there = folder / "many"
    there.mkdir()
    (there / "test_many.py").write_text(_MANY.format(count=count), encoding="utf-8")
    commands = {mode: [str(python), "-m", "pytest", *QUIET, "-n0", f"--event-loops={mode}"] for mode in _MODES}
    around = {name: value for name, value in around.items() if name != "PYTHONDONTWRITEBYTECODE"}
    spent: dict[str, list[float]] = {mode: [] for mode in _MODES}
    with one_core():
        for _ in range(5):
            for mode, found in spent.items():
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(commands[mode], cwd=there, env=around, check=True, capture_output=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    figures = _compared(count, "s of CPU", [min(spent[mode]) for mode in _MODES])
    if not instructions.available():
        return figures
    counts = [instructions.count(commands[mode], around, there, whole=True) for mode in _MODES]
    known = [each / 1e6 for each in counts if each is not None]
    return [*figures, *_compared(count, "million instructions", known)] if len(known) == len(_MODES) else figures


def _compared(count: int, unit: str, spent: Sequence[float]) -> list[Figure]:
    off, report = spent
    return [
        Figure(f"{count} small async tests, off", f"{off:,.2f} {unit}"),
        Figure("the same, report", f"{report:,.2f} {unit}", report / off, "off", goal="at most 1.05"),
    ]
