"""Records the programs that this process starts, and with `--follow` instruments those that are Python.

The lowest function of each way is replaced, so that the traceback of a program that cannot be started stays the same.
Whether a program is Python is for the supervisor to find out.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from diagnostics.sanitizer.capture.journal import BEYOND, MOST_STARTED, Journal
from diagnostics.sanitizer.capture.patching import Patch, Patches, disguise
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.process.observed_call import ObservedCall, replace

Variables = Callable[[Mapping[str, str]], "dict[str, str]"]

_ENVIRONMENT: Final = 5
"""Which argument of `fork_exec` is the environment: a list of `name=value`, or `None` for that of this process."""


class Starts:
    """The functions that start programs, replaced.

    Args:
        journal: what is written to.
        variables: adds the variables that instrument a process; `None` without `--follow`.
    """

    def __init__(self, journal: Journal, variables: Variables | None) -> None:
        self._journal = journal
        self._variables = variables
        self._about = ""
        self._recorded = 0
        fork_exec = [Patch("subprocess", "", "_fork_exec", self._fork_exec, optional=True)]
        if sys.version_info < (3, 11):
            fork_exec = [Patch("subprocess", "", "_posixsubprocess", self._module, optional=True)]
        if variables is not None:
            # With it, `subprocess` raises what `os.posix_spawn` raises, from a frame of this module.
            fork_exec.append(Patch("subprocess", "", "_USE_POSIX_SPAWN", lambda *_: False, optional=True))
        Patches(fork_exec).apply()
        for name in ("posix_spawn", "posix_spawnp", "system"):
            original = getattr(os, name, None)
            if original is None:
                continue
            if name == "system":
                replace(os, name, ObservedCall(None, original, self._system(original)))
            elif variables is None:
                replace(os, name, ObservedCall(partial(self.observe, f"os.{name}"), original))
            else:
                replace(os, name, ObservedCall(None, original, self._posix_spawn(original)))

    def observe(self, how: str) -> None:
        """Records the program that the call of `how` that follows starts, or that this process becomes.

        Only an audit hook sees its arguments without a frame in the traceback of its error.
        """
        if not self._about:
            sys.addaudithook(self._audited)
        self._about = how

    def _audited(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "os.exec":
            self._record(self._about, os.getpid(), [args[0]], args[1])
        elif event == "os.posix_spawn":
            by_subprocess = sys._getframe(1).f_globals.get("__name__") == "subprocess"
            self._record("subprocess" if by_subprocess else self._about, 0, [args[0]], args[1])

    def executing(self, name: str, path: Any, arguments: Any, *environment: Any) -> tuple[str, tuple[Any, ...]]:
        """Records that this process is about to become another program.

        Returns:
            The function of `os` to call instead, and its arguments.
        """
        self._record(f"os.{name}", os.getpid(), [path], arguments)
        followed = self._environment(*environment)
        if followed is None:
            return name, (path, arguments, *environment)
        return "execve", (path, arguments, followed)

    def _fork_exec(self, original: Any, _: Patch) -> Any:
        def fork_exec(*args: Any) -> Any:
            given = args
            with contextlib.suppress(Exception):
                if self._variables is not None:
                    listed = args[_ENVIRONMENT]
                    pairs = None if listed is None else dict(os.fsdecode(each).split("=", 1) for each in listed)
                    variables = self._variables(os.environ if pairs is None else pairs)
                    encoded = [os.fsencode(f"{name}={value}") for name, value in variables.items()]
                    given = (*args[:_ENVIRONMENT], encoded, *args[_ENVIRONMENT + 1 :])
            process = original(*given)
            self._record("subprocess", process, args[1], args[0])
            return process

        return disguise(fork_exec, original)

    def _module(self, original: Any, patch: Patch) -> Any:
        """Stands for `_posixsubprocess` in `subprocess` of Python 3.10, which calls it by that name."""
        replacement = type(sys)(original.__name__)
        vars(replacement).update(vars(original), fork_exec=self._fork_exec(original.fork_exec, patch))
        return replacement

    def _posix_spawn(self, original: Any) -> Any:
        def posix_spawn(path: Any, argv: Any, env: Any, **words: Any) -> Any:
            process = original(path, argv, self._environment(env) or env, **words)
            self._record(f"os.{original.__name__}", process, [path], argv)
            return process

        return posix_spawn

    def _system(self, original: Any) -> Any:
        def system(command: Any) -> Any:
            self._record("os.system", 0, ["/bin/sh"], ["sh", "-c", command])
            return original(command)

        return system

    def _environment(self, env: Any = None) -> dict[str, str] | None:
        """Returns an environment that instruments; `None` without `--follow`, and for one that is invalid."""
        with contextlib.suppress(Exception):
            if self._variables is not None:
                pairs = os.environ if env is None else env
                return self._variables({os.fsdecode(name): os.fsdecode(value) for name, value in pairs.items()})
        return None

    def _record(self, how: str, process: int, paths: Any, arguments: Any) -> None:
        if self._recorded > MOST_STARTED:
            return
        self._recorded += 1
        if self._recorded > MOST_STARTED:
            how, process, paths, arguments = BEYOND, 0, (), ()
        with contextlib.suppress(Exception):
            words = [os.fsdecode(word) for word in ([arguments] if isinstance(arguments, (str, bytes)) else arguments)]
            found = [os.fsdecode(path) for path in paths]
            self._journal.started(how, process, found, words, capture(sys._getframe(1)))
