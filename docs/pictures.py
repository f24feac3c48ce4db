"""Renews the pictures of the README from the page of a run: `python docs/pictures.py reports/sample`.

Needs Chromium and the group `tests` (for Playwright); writes `page.png` and `timeline.png` beside this file.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
WIDTH = 1180


def main(run: Path) -> None:
    """Takes the two pictures."""
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
        page.locator("#overview").screenshot(path=HERE / "page.png")
        page.locator("#timeline").screenshot(path=HERE / "timeline.png")
        chromium.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name the folder of a run: python docs/pictures.py reports/sample")
    main(Path(sys.argv[1]))
