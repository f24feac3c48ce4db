"""Chromium, and a page in it that may ask for nothing and complain of nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from diagnostics.redaction import Secrets
from diagnostics.report.formats.registry import write_reports
from diagnostics.report.view.build import build_view
from diagnostics.runs.records import Run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20_000
"""Milliseconds after which a test fails that would otherwise hang."""

Open = Callable[..., Page]


@pytest.fixture(scope="module")  # not longer: while it runs, this thread has a running loop, which other tests must not
def chromium() -> Iterator[Browser]:
    """The system's own; Playwright's would have to be downloaded."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install -y chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Run], Path]:
    """Writes the page of a run as the command does."""

    def written(run: Run) -> Path:
        (path,) = write_reports(build_view(run, Secrets(), {"context-manager": "a new pool a run"}), tmp_path, ["html"])
        return path

    return written


@pytest.fixture
def visit(chromium: Browser, write: Callable[[Run], Path]) -> Iterator[Open]:
    """Opens the page of a run from disk. At the end nothing was asked for, and nothing went wrong."""
    asked: list[str] = []
    said: list[str] = []
    contexts = []

    def route(request: Route) -> None:
        if request.request.url.startswith("file:"):
            request.continue_()
        else:
            asked.append(request.request.url)
            request.abort()

    def opened(run: Run, *, width: int = 1280, scheme: str = "light", script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.route("**/*", route)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"a dialog: {dialog.message}"))
        page.goto(write(run).as_uri())
        if script:
            page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert asked == []
    assert said == []
