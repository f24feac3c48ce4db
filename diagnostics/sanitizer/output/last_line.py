"""The last line of a report. It imports little, because a run without a finding prints nothing else."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Collection, Sequence

from diagnostics.model.libraries import LIBRARIES

_DISTRIBUTIONS = {row.module: name for name, row in LIBRARIES.items() if row.role != "part"}


def last_line(parts: Sequence[str], *, calls: int, requests: int, versions: dict[str, str]) -> str:
    """Returns the line: what was found, and in what."""
    used = [f"{plural(calls, 'call')}, {plural(requests, 'request')}"] if calls or requests else []
    libraries = [", ".join(f"{name} {version}" for name, version in versions.items())] if versions else []
    return "diagnostics: " + " · ".join([*(parts or ("no problem found",)), *used, *libraries])


def plural(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 call`, `2 calls`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def versions(modules: Collection[str], components: set[str]) -> dict[str, str]:
    """Returns the versions of the libraries that are imported and of those at fault."""
    names = {name for module, name in _DISTRIBUTIONS.items() if module in modules} | (components - {"user"})
    found = {}
    for name in sorted(names):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
