"""Running somebody's program in this process, as `python SCRIPT` and `python -m MODULE` do."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import signal
import sys
from types import ModuleType, TracebackType

from diagnostics.sanitizer import stderr

INTERRUPTED = -signal.SIGINT
"""What a parent sees of a program that ended by Ctrl-C."""

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class ProgramError(Exception):
    """There is no such program; the message says what to do."""


def run(program: list[str], *, module: bool) -> int:
    """Runs a program and returns the exit status that Python would give it.

    A traceback is printed as Python prints it, without the frames that run the program here.

    Raises:
        ProgramError: no such file or module.
    """
    try:
        if module:
            _run_module(program)
        else:
            _run_script(program)
    except SystemExit as error:
        return _status(error.code)
    except KeyboardInterrupt:
        _print()
        return INTERRUPTED
    except BaseException as error:
        if isinstance(error, ProgramError):
            raise
        _print()
        return 1
    return 0


def _run_script(program: list[str]) -> None:
    file = program[0]
    if os.path.isdir(file) or not os.path.exists(file):
        raise ProgramError(f"no such script: {file}; for a module write -m {file.removesuffix('.py')}")
    # As the interpreter makes it: nothing is normalised, and only the folder of the script follows symbolic links.
    absolute = os.path.join(os.getcwd(), file)
    with io.open_code(absolute) as stream:
        source = stream.read()
    main = _main_module()
    main.__dict__.update(
        __file__=absolute,
        __cached__=None,
        __doc__=None,
        __package__=None,
        __spec__=None,
        __loader__=importlib.machinery.SourceFileLoader("__main__", absolute),
        __builtins__=sys.modules["builtins"],
    )
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.argv[:] = program
    sys.path[0] = os.path.dirname(os.path.realpath(absolute))
    code = compile(source, absolute, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # noqa: S102 - this is what the command is for


def _run_module(program: list[str]) -> None:
    import runpy

    name = program[0]
    sys.path[0] = os.getcwd()
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise ProgramError(f"no module named {name}; is it installed in {sys.executable}?")
    _main_module()
    sys.argv[:] = ["-m", *program[1:]]
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]  # what `python -m` calls


def _main_module() -> ModuleType:
    # The module that there is, emptied: the interpreter ends this one and no other as it ends a program's.
    main = sys.modules["__main__"]
    main.__dict__.clear()
    main.__name__ = "__main__"
    return main


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    with contextlib.suppress(Exception):
        (getattr(sys, "stderr", None) or stderr).write(f"{code}\n")
    return 1


def _print() -> None:
    kind, error, trace = sys.exc_info()
    while trace is not None and _ours(trace):
        trace = trace.tb_next
    if kind is not None and error is not None:
        sys.excepthook(kind, error.with_traceback(trace), trace)


def _ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(_HERE)
