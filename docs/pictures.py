"""Renews the pictures of the documentation from the reports of a run: `python docs/pictures.py reports/sample`.

Needs Chromium and the group `tests` (for Playwright); writes `page.png`, `timeline.png` and `issue.png` into `assets`.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
WIDTH = 1180
ISSUE = "issue-openai-python.md"
ISSUE_HEIGHT = 800
LOOKS = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 0; padding: 16px 24px; box-sizing: border-box; color: #1f2328 }
h3 { font-size: 17px; margin: 16px 0 8px }
code { font: 12px ui-monospace, monospace; background: #eff1f3; padding: 2px 4px; border-radius: 4px }
pre { background: #f6f8fa; padding: 12px; border-radius: 6px } pre code { background: none; padding: 0 }
table { border-collapse: collapse; font-size: 11px } th, td { border: 1px solid #d1d9e0; padding: 3px 7px }
li:has(input) { list-style: none }
"""
"""About as GitHub shows an issue."""


def main(run: Path) -> None:
    """Takes the three pictures."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium on this machine: apt-get install -y chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"] if root else [])
        page = chromium.new_page(viewport={"width": WIDTH, "height": 760}, color_scheme="light")
        page.goto((run / "report.html").resolve().as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        page.locator("#overview").scroll_into_view_if_needed()
        page.locator("#overview").screenshot(path=HERE / "assets" / "page.png")
        page.locator("#timeline").screenshot(path=HERE / "assets" / "timeline.png")
        take_issue(chromium, run / ISSUE)
        chromium.close()


def take_issue(chromium: Browser, file: Path) -> None:
    """Takes the beginning of an issue's body, with its folded parts open."""
    body = MarkdownIt("commonmark").enable("table").render(file.read_text(encoding="utf-8"))
    body = body.replace("<details>", "<details open>").replace("<li>[ ] ", '<li><input type="checkbox"> ')
    page = chromium.new_page(viewport={"width": 860, "height": ISSUE_HEIGHT}, color_scheme="light")
    page.set_content(f"<style>{LOOKS}</style>{body}")
    page.screenshot(path=HERE / "assets" / "issue.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name the folder of a run: python docs/pictures.py reports/sample")
    main(Path(sys.argv[1]))
