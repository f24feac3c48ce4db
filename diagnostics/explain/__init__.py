"""`python -m diagnostics explain KIND|FIX`: the page of a finding or of a fix. Needs nothing but Python.

The programs in `examples/` are those of the documentation too, and tests run them: `none.py` is the mistake, and each
other one is the same program with a fix.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from diagnostics.experiment.fixes import FIXES
from diagnostics.model.cell import BASELINE
from diagnostics.model.cures import cures
from diagnostics.model.errors import INVALID_USAGE, PROGRAM, suggestion, usage_text
from diagnostics.model.words import FINDING_KINDS
from diagnostics.sanitizer.analyze.phrasing import KINDS, blame

EXAMPLES: Final = Path(__file__).with_name("examples")
WIDTH: Final = 80

OTHERWISE: Final[dict[str, str]] = {
    "abandoned-stream": "Read the stream to its end, or close it where you stop: `async with`, or `aclose()`.",
    "pending-task-destroyed": "Await the task before the loop closes, or cancel it and await that.",
    "inherited-connection": "Create the client in the child process, after the fork.",
}


def main(arguments: Sequence[str]) -> int:
    """Prints a page.

    Returns:
        The exit status: 0, or 2 for a name that there is not.
    """
    if not arguments or "-h" in arguments or "--help" in arguments:
        sys.stdout.write(usage())
        return 0
    if len(arguments) > 1:
        message = f"one kind or fix at a time, not {' '.join(arguments)}"
        sys.stderr.write(usage_text(message, f"{PROGRAM} explain"))
        return INVALID_USAGE
    name = arguments[0]
    text = page(name)
    if text is None:
        message = f"unknown kind or fix {name!r}{suggestion(name, [*FINDING_KINDS, *FIXES])}"
        sys.stderr.write(usage_text(message, f"{PROGRAM} explain"))
        return INVALID_USAGE
    sys.stdout.write(text)
    return 0


def usage() -> str:
    """Returns the help: what can be explained."""
    kinds, fixes = (
        textwrap.fill(", ".join(names), WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        for names in _names()
    )
    return (
        f"usage: {PROGRAM} explain KIND|FIX\n\n"
        "Explain a kind of finding or a fix, with the code before and after.\n\n"
        f"kinds of findings:\n{kinds}\n\nfixes:\n{fixes}\n\n"
        f"example: {PROGRAM} explain cross-loop-use\n\n"
        "Exit status: 0 explained; 2 invalid usage.\n"
    )


def _names() -> tuple[list[str], list[str]]:
    return list(FINDING_KINDS), [name for name in FIXES if name != BASELINE]


def page(name: str) -> str | None:
    """Returns the page of a kind or a fix; `None` where there is neither of that name."""
    if name in FINDING_KINDS:
        return _kind(name)
    if name in FIXES:
        return _fix(name)
    return None


def _kind(name: str) -> str:
    parts = [f"{name}: {FINDING_KINDS[name]}", f"{blame('The code at fault', KINDS[name].why)}."]
    found = cures(name)
    if found:
        parts.append("Fixes, the best first: " + ", ".join(found) + f". `{PROGRAM} explain FIX` shows each.")
        return _filled(parts) + "\n" + _change(found[0])
    return _filled([*parts, OTHERWISE[name]])


def _fix(name: str) -> str:
    fix = FIXES[name]
    about = (inspect.getdoc(sys.modules[fix.__module__]) or "").split("\n\n")[0].replace("\n", " ")
    return _filled([about.replace("`", ""), f"Trade-off: {fix.trade_off}."]) + "\n" + _change(name)


def _change(name: str) -> str:
    """Returns the code before and after a fix; nothing where there is no example of it."""
    if not _example(name).exists():
        return ""
    before, after = (_code(each) for each in (BASELINE, name))
    needs = f"\n# async_tools.py: {PROGRAM} async-tools > async_tools.py\n" if "async_tools" in after else "\n"
    return (
        f"Before:\n\n{textwrap.indent(before, '    ')}\nAfter, with {name}:\n{textwrap.indent(needs + after, '    ')}"
    )


def _code(name: str) -> str:
    return _example(name).read_text(encoding="utf-8")


def _example(name: str) -> Path:
    return EXAMPLES / f"{name.replace('-', '_')}.py"


def essence(name: str) -> str:
    """Returns the few lines of a fix's program that matter, without its imports; "" where it has none."""
    if name not in FIXES or not _example(name).exists():
        return ""
    lines = (line for line in _code(name).splitlines() if not line.startswith(("import ", "from ")))
    return "\n".join(lines).strip()


def _filled(parts: Sequence[str]) -> str:
    return "".join(textwrap.fill(part, WIDTH, break_on_hyphens=False) + os.linesep for part in parts).replace(
        os.linesep, "\n"
    )
