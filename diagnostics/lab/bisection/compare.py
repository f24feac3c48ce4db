"""The web page that compares two releases of a package, found from the package's own metadata."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path

_REPOSITORY = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?(?:[/#?].*)?$")


def compare_link(urls: Iterable[str], tag: str, before: str, after: str) -> str | None:
    """Returns the page that compares the tags of two releases; `None` if the package names no GitHub repository."""
    for url in urls:
        found = _REPOSITORY.match(url.strip())
        # A sponsors page is on the same host but is not a repository.
        if found and found[1] != "sponsors":
            return f"https://github.com/{found[1]}/{found[2]}/compare/{tag}{before}...{tag}{after}"
    return None


def project_urls(package: str, folder: Path) -> list[str]:
    """Returns a package's URLs from its metadata in an environment, the source repository first."""
    paths = [str(path) for path in (*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages"))]
    result: list[str] = []
    for found in importlib.metadata.distributions(name=package, path=paths):
        labelled = [line.partition(",")[::2] for line in found.metadata.get_all("Project-URL") or []]
        labelled.sort(key=lambda each: not re.search(r"source|repo|code|github", each[0], re.IGNORECASE))
        result += [url.strip() for _, url in labelled] + (found.metadata.get_all("Home-page") or [])
    return result
