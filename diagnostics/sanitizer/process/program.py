"""Running somebody's program in this process, as `python SCRIPT` and `python -m MODULE` do."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import marshal
import os
import signal
import sys
from types import CodeType, ModuleType, TracebackType
from typing import Any

from diagnostics.sanitizer.output import stderr

INTERRUPTED = -signal.SIGINT
"""What a parent sees of a program that ended by Ctrl-C."""

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


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
    if file == "-":
        _run_input(program)
        return
    # As the interpreter makes it: nothing is normalised, and only the folder of the script follows symbolic links.
    absolute = os.path.join(os.getcwd(), file)
    if not os.path.exists(absolute):
        raise _no_script(file)
    main = _main_module()
    sys.argv[:] = program
    if _is_importable(absolute):
        _first_on_path(absolute, keep=_path_is_safe())
        _run_as_main("__main__", alter_argv=False, missing=_no_script(file))
        return
    if not _path_is_safe():
        _first_on_path(os.path.dirname(os.path.realpath(absolute)))
    with io.open_code(absolute) as stream:
        source = stream.read()
    _from_file(main, absolute)
    code: Any
    if _is_compiled(absolute, source):
        main.__loader__ = importlib.machinery.SourcelessFileLoader("__main__", absolute)
        code = _compiled(source)
    else:
        main.__loader__ = importlib.machinery.SourceFileLoader("__main__", absolute)
        code = compile(source, absolute, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # noqa: S102 - this is what the command is for


def _run_input(program: list[str]) -> None:
    main = _main_module()
    sys.argv[:] = program
    if not _path_is_safe():
        _first_on_path("")
    source = sys.stdin.buffer.read()
    _from_file(main, "<stdin>")
    exec(compile(source, "<stdin>", "exec", dont_inherit=True), main.__dict__)  # noqa: S102


def _from_file(main: ModuleType, file: str) -> None:
    main.__file__ = file
    if sys.version_info < (3, 15):
        main.__dict__["__cached__"] = None


def _run_module(program: list[str]) -> None:
    name = program[0]
    if not _path_is_safe():
        _first_on_path(os.getcwd())
    _main_module()
    sys.argv[:] = ["-m", *program[1:]]
    missing = ProgramError(f"no module named {name}; is it installed in {sys.executable}?")
    _run_as_main(name, alter_argv=True, missing=missing)


def _run_as_main(name: str, *, alter_argv: bool, missing: ProgramError) -> None:
    """What `python -m`, and `python` with a folder or an archive, call.

    Raises:
        ProgramError: `missing`, where there is no such module.
    """
    import runpy

    run_as_main, error_type = runpy._run_module_as_main, runpy._Error  # type: ignore[attr-defined]
    try:
        run_as_main(name, alter_argv=alter_argv)
    except SystemExit as error:
        reason = error.__context__
        if isinstance(reason, error_type) and (
            str(reason) == f"No module named {name}" or isinstance(reason.__cause__, ImportError)
        ):
            raise missing from None
        raise


def _no_script(file: str) -> ProgramError:
    return ProgramError(f"no such script: {file}; for a module write -m {file.removesuffix('.py')}")


def _path_is_safe() -> bool:
    """Whether the interpreter was told (`-P`, `-I`) to put no folder of the program's before the others."""
    return bool(getattr(sys.flags, "safe_path", False) or sys.flags.isolated)


def _first_on_path(entry: str, *, keep: bool = False) -> None:
    # The first entry is what the interpreter put there for this command, unless the path is safe.
    sys.path[: 0 if keep else 1] = [entry]


def _is_importable(path: str) -> bool:
    """Whether modules can be imported from there: a folder, or an archive whatever its name."""
    for hook in sys.path_hooks:
        with contextlib.suppress(ImportError):
            hook(path)
            return True
    return False


def _is_compiled(file: str, content: bytes) -> bool:
    return file.endswith(".pyc") or content[:2] == importlib.util.MAGIC_NUMBER[:2]


def _compiled(content: bytes) -> CodeType:
    if content[:4] != importlib.util.MAGIC_NUMBER:
        raise RuntimeError("Bad magic number in .pyc file")
    code = marshal.loads(content[16:])  # noqa: S302 - it is to be run
    if not isinstance(code, CodeType):
        raise RuntimeError("Bad code object in .pyc file")  # noqa: TRY004 - as the interpreter says it
    return code


def _main_module() -> ModuleType:
    # The module that there is, emptied: the interpreter ends this one and no other as it ends a program's.
    main = sys.modules["__main__"]
    main.__dict__.clear()
    main.__dict__.update(
        __name__="__main__",
        __doc__=None,
        __package__=None,
        __loader__=importlib.machinery.BuiltinImporter,
        __spec__=None,
        __builtins__=sys.modules["builtins"],
    )
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
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
