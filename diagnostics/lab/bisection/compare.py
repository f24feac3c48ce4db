"""Where two releases of a package can be read side by side: from what the package itself says of where it is made."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path

_REPOSITORY = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?(?:[/#?].*)?$")


def compare_link(addresses: Iterable[str], tag: str, before: str, after: str) -> str | None:
    """The page that compares the tags of two releases; `None` where the package names no repository that has one.

    Args:
        addresses: the project's addresses, as its metadata has them.
        tag: what the repository writes before a version in a tag.
    """
    for address in addresses:
        found = _REPOSITORY.match(address.strip())
        # A sponsors page is on the same host and is no repository.
        if found and found[1] != "sponsors":
            return f"https://github.com/{found[1]}/{found[2]}/compare/{tag}{before}...{tag}{after}"
    return None


def addresses(package: str, place: Path) -> list[str]:
    """A package's own addresses, from its metadata in an environment; none where it is not there.

    Args:
        place: the environment's folder.
    """
    folders = [str(path) for path in (*place.glob("lib/python*/site-packages"), *place.glob("Lib/site-packages"))]
    result: list[str] = []
    for found in importlib.metadata.distributions(name=package, path=folders):
        labelled = [line.partition(",")[::2] for line in found.metadata.get_all("Project-URL") or []]
        # Of several, the one that is called source or repository is meant.
        labelled.sort(key=lambda each: not re.search(r"source|repo|code|github", each[0], re.IGNORECASE))
        result += [address.strip() for _, address in labelled] + (found.metadata.get_all("Home-page") or [])
    return result
