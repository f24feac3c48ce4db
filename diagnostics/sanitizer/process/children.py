"""Instruments the processes that a program starts through `multiprocessing`, with any start method.

A forked child is instrumented already. A child that starts as a new interpreter (`spawn`, the server of `forkserver`)
gets a line before its own that instruments it.
"""

from __future__ import annotations

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
        from diagnostics.sanitizer.process import instrumented
    finally:
        sys.path.remove({home!r})
    instrumented.begin(*{arguments!r})
except Exception:  # whatever fails, the program's own line still runs
    pass
"""


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
            beginning = _LINE.format(home=HOME, arguments=boot)
            return [*command[: at + 1], f"exec({beginning!r}); {line}", *command[at + 2 :]]
    return command
