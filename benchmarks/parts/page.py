"""The page of a run with five thousand cells: how long it takes to write, to open and to filter in a browser."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.figures import Bench, Figure
from diagnostics.model.cell import BASELINE, Cell, Environment
from diagnostics.model.trial import Accounting, Trial
from diagnostics.model.words import SYMPTOMS
from diagnostics.runs.writer import Store, new_meta, now

CELLS = 5_000
_ENVIRONMENTS, _PROVIDERS, _SCENARIOS, _FIXES = 13, 3, 10, 13
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FILTER = """value => new Promise(done => {
  const select = document.getElementById('filter-verdict'), begun = performance.now();
  select.value = value;
  select.dispatchEvent(new Event('change'));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
})"""


def measure(bench: Bench) -> list[Figure]:
    """Writes a run that was never played, its page, and opens that where there is a browser."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        cells = _write(run, bench.count(CELLS))
        bench.say(f"the page of {cells:,} cells")
        began = time.perf_counter()
        command = [sys.executable, "-m", "diagnostics", "report", str(run), "--format", "html"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        size = (run / "report.html").stat().st_size / 2**20
        written = Figure(f"writing the page of {cells:,} cells, {size:.1f} MiB", f"{seconds:.1f} s", goal="under 10 s")
        browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
        if browser is None or importlib.util.find_spec("playwright") is None:
            return [written, Figure("opening it", "not measured: needs Chromium and the Python package playwright")]
        return [written, *_browse(browser, run / "report.html")]


def _write(run: Path, count: int) -> int:
    with Store(run) as store:
        for trial in itertools.islice(_trials(), count):
            store.append(trial)
        store.put_meta(replace(new_meta((), "default"), finished=now()))
        return len(store.done)


def _trials() -> Iterator[Trial]:
    symptoms = [symptom for symptom in SYMPTOMS if symptom != "crash"]
    for at in itertools.product(range(_ENVIRONMENTS), range(_PROVIDERS), range(_SCENARIOS), range(_FIXES)):
        e, p, s, f = at
        packages = {"openai": f"1.{e}.0", "httpx": "0.28.1"}
        environment = Environment(f"environment-{e}", f"3.{10 + e % 5}.0", packages=packages)
        cell = Cell(environment.name, f"provider-{p}", f"scenario-{s}", f"fix-{f}" if f else BASELINE)
        symptom = symptoms[(e * s + f * 7 + s) % len(symptoms)] if f else "logged"
        trial = Trial(cell.key(0, mode="fork", instrumented=False), environment, cell, status="ran", symptom=symptom)
        evidence = None if symptom == "none" else f"{at}\n" + "RuntimeError: Event loop is closed\n" * 30
        yield replace(trial, evidence=evidence, accounting=Accounting(15, 15, 15, connections=5, seconds=0.1))


def _browse(browser: str, page: Path) -> list[Figure]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the tests, not of the lab

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"] if root else [])
        tab = chromium.new_page()
        loads = []
        for _ in range(3):
            began = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]", state="attached")
            loads.append(time.perf_counter() - began)
        filters = [float(tab.evaluate(_FILTER, value)) for value in ("removes", "", "hides", "")]
        chromium.close()
    return [
        Figure("opening it", f"{median(loads):.2f} s", goal="under 2 s"),
        Figure("a filter, to the next frame", f"{median(filters):.0f} ms", goal="under 100 ms"),
    ]
