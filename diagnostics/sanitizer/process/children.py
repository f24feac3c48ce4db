"""The processes that a program starts through `multiprocessing`, whatever their start method.

A child that is forked is instrumented already. One that starts as a new interpreter (`spawn`, the server of
`forkserver`) gets a line of ours before its own, which begins the instrumentation there.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, Patches, disguise

_HOME = os.path.abspath(__file__)
for _ in range(4):
    _HOME = os.path.dirname(_HOME)

# Whatever goes wrong here, the program's own line comes after it.
_LINE = """
try:
    import sys
    sys.path.insert(0, {home!r})
    try:
        from diagnostics.sanitizer.process import instrumented
    finally:
        sys.path.remove({home!r})
    instrumented.begin_child(*{arguments!r})
except Exception:
    pass
"""


def follow(journal: str, settings: str) -> Patches:
    """Has new interpreters of `multiprocessing` write to the journal of this process.

    Args:
        journal: its path.
        settings: of the report, as JSON.

    Returns:
        What is patched for that.
    """

    def command_line(original: Any, patch: Patch) -> Any:
        """`multiprocessing.spawn.get_command_line`: the interpreter, its options, `-c`, a line."""

        def get_command_line(**words: Any) -> list[str]:
            command = list(original(**words))
            return instrumented_from_start(command, "multiprocessing.spawn", journal, settings) if patch.on else command

        return disguise(get_command_line, original)

    def start(original: Any, patch: Patch) -> Any:
        """`multiprocessing.util.spawnv_passfds`: starts the server that `forkserver` forks from."""

        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
            if patch.on:
                args = instrumented_from_start(list(args), "multiprocessing.forkserver", journal, settings)
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


def instrumented_from_start(command: list[str], module: str, journal: str, settings: str) -> list[str]:
    """A command line that begins the instrumentation before it does what it did.

    Args:
        command: the interpreter and its arguments.
        module: whose line after `-c` is meant; another command stays as it is.
    """
    for at, (option, line) in enumerate(pairwise(command)):
        if option == "-c" and module in line:
            beginning = _LINE.format(home=_HOME, arguments=(journal, settings))
            return [*command[: at + 1], f"exec({beginning!r}); {line}", *command[at + 2 :]]
    return command
