"""Python programs that were started without the sanitizer: blind spots."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from diagnostics.sanitizer.analyze.describe import distribution, relative_path, site
from diagnostics.sanitizer.analyze.recorded import Process, Started
from diagnostics.sanitizer.capture.journal import BEYOND, MOST_STARTED
from diagnostics.sanitizer.capture.sites import file_of, frames, in_stdlib

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:\.exe)?")
_IN_SHELL = re.compile(r"(?:^|[;&|(]|\bexec\b|\benv\b)\s*(?:\w+=\S*\s+)*(?:\S*/)?(?:python|pypy)[\d.]*(?=\s|$)")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
_SHOWN = 3


def not_instrumented(processes: Sequence[Process], *, follow: bool) -> list[str]:
    """Returns a line for each way in which Python programs were started that did not report.

    Args:
        processes: all processes of the run.
        follow: whether those were to be instrumented.
    """
    where: dict[str, list[str]] = {}
    for process in processes:
        for each in process.started:
            if not _reported(each, process, processes) and is_python(each.paths, each.arguments):
                where.setdefault(each.how, []).append(_site(each))
    lines = [_line(how, sites, follow=follow) for how, sites in where.items()]
    if any(each.how == BEYOND for process in processes for each in process.started):
        lines.append(f"only the first {MOST_STARTED} programs that a process starts are examined")
    return lines


def is_python(paths: Sequence[str], arguments: Sequence[str]) -> bool:
    """Returns whether a program is Python: an interpreter, a script for one, or a shell that starts one.

    Args:
        paths: where the program was looked for.
        arguments: its arguments; the first is its own name.
    """
    path = next(filter(os.path.isfile, paths), None)
    if path is None:
        return False
    name = os.path.basename(path)
    if name in _SHELLS:
        return "-c" in arguments[:-1] and _IN_SHELL.search(arguments[list(arguments).index("-c") + 1]) is not None
    if _PYTHON.fullmatch(name) or _PYTHON.fullmatch(os.path.basename(os.path.realpath(path))):
        return True
    try:
        with open(path, "rb") as stream:
            first = stream.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and _PYTHON.search(first.decode(errors="replace")) is not None


def _reported(started: Started, parent: Process, processes: Sequence[Process]) -> bool:
    if started.process == parent.number:  # by exec
        same = [each for each in processes if each.number == parent.number]
        return same[-1] is not parent
    return any(started.process in (each.number, each.parent) for each in processes)


def _site(started: Started) -> str:
    place = site(started.stack)
    if place is not None:
        return f"at {relative_path(place.file)}:{place.line}"
    files = [file_of(code) for code, _ in frames(started.stack)]
    outside = next((file for file in files if not in_stdlib(file)), None)
    return "" if outside is None else f"in {distribution(outside) or outside}"


def _line(how: str, sites: Sequence[str], *, follow: bool) -> str:
    count, lines = len(sites), list(dict.fromkeys(filter(None, sites)))
    shown = ", ".join(lines[:_SHOWN]).replace(", at ", ", ") + (
        f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    )
    what = "a Python program was" if count == 1 else f"{count} Python programs were"
    if not follow:
        why = "not instrumented; use --follow"
    elif how == "os.system":
        why = "not instrumented; --follow needs subprocess"
    else:
        why = "not instrumented: python -I, -E or -S, or an interpreter other than CPython 3.10 or newer"
    return f"{what} started by {how}{f' {shown}' if shown else ''}: {why}"
