"""Instruments the processes that a program starts through `multiprocessing`, with any start method.

A forked child is instrumented already. A child that starts as a new interpreter (`spawn`, the server of `forkserver`)
gets a line before its own that instruments it.
"""

from __future__ import annotations

import linecache
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, Patches, disguise
from diagnostics.sanitizer.process.inheritance import CHILD, HOME

_LINE = """
try:
    import sys
    sys.path.insert(0, {home!r})
    try:
        from diagnostics.sanitizer.process import children, instrumented
    finally:
        sys.path.remove({home!r})
    children.show_last({length})
    instrumented.begin(*{arguments!r})
except Exception:  # whatever fails, the program's own line still runs
    pass
"""

_ENTRY = 4
"""The length of an entry of `linecache` that has the lines."""


def follow(journal: str, settings: str, role: Collection[str]) -> Patches:
    """Makes new interpreters of `multiprocessing` write to the journal of this process.

    Args:
        journal: path of the journal.
        settings: report settings as JSON.
        role: that of this process, see `inheritance.instrumenting`.

    Returns:
        The patches that do that.
    """
    boot = (journal, settings, sorted({CHILD, *role}))

    def command_line(original: Any, patch: Patch) -> Any:
        """Patches `multiprocessing.spawn.get_command_line`: the interpreter, its options, `-c`, a line."""

        def get_command_line(**words: Any) -> list[str]:
            command = list(original(**words))
            return instrumented_from_start(command, "multiprocessing.spawn", boot) if patch.on else command

        return disguise(get_command_line, original)

    def start(original: Any, patch: Patch) -> Any:
        """Patches `multiprocessing.util.spawnv_passfds`, which starts the server that `forkserver` forks from."""

        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
            if patch.on:
                args = instrumented_from_start(list(args), "multiprocessing.forkserver", boot)
            return original(path, args, passfds)

        return disguise(spawnv_passfds, original)

    patches = Patches(
        [
            Patch("multiprocessing.spawn", "", "get_command_line", command_line, optional=True),
            Patch("multiprocessing.util", "", "spawnv_passfds", start, optional=True),
        ]
    )
    patches.apply()
    return patches


def instrumented_from_start(command: list[str], module: str, boot: tuple[Any, ...]) -> list[str]:
    """Returns a command line that instruments the process before it does what it did.

    Args:
        command: the interpreter and its arguments.
        module: module that the line after `-c` must name; another command is not changed.
        boot: the arguments of `instrumented.begin`.
    """
    for at, (option, line) in enumerate(pairwise(command)):
        if option == "-c" and module in line:
            beginning = _LINE.format(home=HOME, arguments=boot, length=len(line))
            return [*command[: at + 1], f"exec({beginning!r}, {{}}); {line}", *command[at + 2 :]]
    return command


def show_last(length: int) -> None:
    """Blanks all but the end of the code on the command line, which Python 3.13 shows in tracebacks."""
    for known in (linecache.cache, getattr(linecache, "_interactive_cache", {})):
        for entry in list(known.values()):
            if len(entry) == _ENTRY and entry[3] == "<string>":
                (line,) = entry[2]
                entry[2][:] = [line[-length - 1 :].rjust(len(line))]  # the columns stay
