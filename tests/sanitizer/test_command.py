"""`diagnostics run`: options, exit status, and a report however the program ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

# One error: a loop that is used after its end.
ERROR = """
import asyncio, os, signal, sys
loop = asyncio.new_event_loop()
loop.close()
try:
    loop.call_soon(print)
except RuntimeError:
    pass
"""
# One leak: a task that nobody waits for.
LEAK = """
import asyncio, logging
logging.disable()
async def wait():
    await asyncio.Event().wait()
async def main():
    global task
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
"""


# Ctrl-C while the interpreter waits for a thread, which never ends.
THREAD = """
import concurrent.futures, threading, time

def interrupt(function):
    frame = None
    while frame is None:
        time.sleep(0.001)
        frame = sys._current_frames()[threading.main_thread().ident]
        while frame is not None and frame.f_code.co_name != function:
            frame = frame.f_back
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "program.py"
        file.write_text(text)
        return file

    return write


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", 66),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("raise ValueError('own')", 1),
        ("os._exit(0)", 66),
        ("os._exit(5)", 5),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import threading; threading.Thread(target=sys.exit).start()", 66),
        ("import atexit; atexit.register(print, 'last')", 66),
    ],
)
def test_the_report_is_made_however_the_program_ends(
    run: Callable[..., Ran], script: Callable[[str], Path], end: str, status: int
) -> None:
    program = script(ERROR + end)
    instrumented, alone = run("none", program), run("none", program, instrumented=False)
    assert instrumented.kinds == {"use-after-loop-close": "error"}
    assert "error[use-after-loop-close]: " in instrumented.errors
    assert instrumented.status == status
    assert alone.status == (0 if status == 66 else status)
    assert instrumented.output == alone.output
    assert instrumented.document is not None
    assert instrumented.document["program"]["exit_code"] == alone.status


@pytest.mark.parametrize(
    "end",
    [
        "sys.stderr.close()",
        "sys.stderr = None",
        "del sys.stderr",
        "sys.stderr = object()",
        "sys.argv = ['x', 1]",
        "import pathlib; sys.argv[1:] = [pathlib.Path('a')]",
        "sys.argv = None",
        "del sys.argv",
        "sys.stderr.reconfigure(encoding='ascii', errors='strict')",
        "sys.stderr.close(); sys.exit('its own words')",
    ],
)
def test_the_report_is_made_whatever_the_program_has_changed(
    run: Callable[..., Ran], script: Callable[[str], Path], end: str
) -> None:
    program = script(f"{ERROR.replace('(print)', '(print)  # …')}{end}\n")
    instrumented, alone = run("none", program), run("none", program, instrumented=False)
    assert instrumented.status == (alone.status or 66)
    assert instrumented.kinds == {"use-after-loop-close": "error"}
    assert instrumented.errors.splitlines()[-1].startswith("diagnostics: 1 error · 1 loop")
    assert "Traceback" not in instrumented.errors


@pytest.mark.parametrize(
    "end",
    [
        "os.close(2)",
        "sys.stderr = None; os.close(2)",
        "sys.stderr = sys.__stderr__ = None; os.close(2); sys.other = open('other', 'w')",
        "ours, theirs = os.pipe(); os.dup2(theirs, 2); os.close(ours); os.close(theirs)",
    ],
)
def test_where_nothing_can_be_printed_the_file_is_written_and_the_status_holds(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path, end: str
) -> None:
    program = script(f"{ERROR}{end}\n")
    instrumented, alone = run("none", program), run("none", program, instrumented=False)
    assert (instrumented.status, alone.status) == (66, 0)
    assert instrumented.kinds == {"use-after-loop-close": "error"}
    assert not (tmp_path / "other").exists() or not (tmp_path / "other").read_text()


@pytest.mark.parametrize(
    "end",
    [
        "threading.Thread(target=interrupt, args=('_shutdown',)).start()",
        "concurrent.futures.ThreadPoolExecutor().submit(interrupt, '_python_exit')",
    ],
)
def test_interrupted_while_threads_end(run: Callable[..., Ran], script: Callable[[str], Path], end: str) -> None:
    program = script(f"{ERROR}{THREAD}import atexit; atexit.register(print, 'last')\n{end}\n")
    instrumented, alone = run("none", program), run("none", program, instrumented=False)
    assert (instrumented.status, alone.status) == (66, 0)
    assert instrumented.output == alone.output == "last\n"
    assert instrumented.errors.splitlines()[0] == alone.errors.splitlines()[0]
    for ran in (instrumented, alone):
        assert re.findall("Traceback|diagnostics|KeyboardInterrupt", ran.own_errors) == [
            "Traceback",
            "KeyboardInterrupt",
        ]
    assert instrumented.kinds == {"use-after-loop-close": "error"}


def test_a_forked_child_counts_for_the_whole(run: Callable[..., Ran], script: Callable[[str], Path]) -> None:
    ran = run("none", script(f"import os\nif os.fork():\n    os.wait()\nelse:\n    exec({ERROR!r})\n    os._exit(0)\n"))
    assert (ran.status, ran.kinds) == (66, {"use-after-loop-close": "error"})


def test_a_process_pool_is_watched_too(run: Callable[..., Ran], script: Callable[[str], Path]) -> None:
    text = (
        "import multiprocessing\n"
        f"def work():\n    exec({ERROR!r})\n"
        "process = multiprocessing.get_context('fork').Process(target=work)\n"
        "process.start()\nprocess.join()\n"
    )
    assert run("none", script(text)).kinds == {"use-after-loop-close": "error"}


def test_a_loop_may_outlive_the_sanitizer(run: Callable[..., Ran], script: Callable[[str], Path]) -> None:
    program = script("import asyncio, builtins\nbuiltins.kept = asyncio.new_event_loop()\nkept.close()\n")
    assert run("none", program).own_errors == run("none", program, instrumented=False).errors


@pytest.mark.parametrize(("leaks", "status", "kinds"), [("report", 0, 1), ("error", 66, 1), ("off", 0, 0)])
def test_leaks_are_what_a_person_makes_of_them(
    run: Callable[..., Ran], script: Callable[[str], Path], leaks: str, status: int, kinds: int
) -> None:
    ran = run("none", script(LEAK), options=("--leaks", leaks))
    assert (ran.status, len(ran.findings)) == (status, kinds)


def test_the_environment_sets_options_and_the_command_line_wins(
    run: Callable[..., Ran], script: Callable[[str], Path]
) -> None:
    variables = {"DIAGNOSTICS_OPTIONS": "leaks=error:exit_code=9"}
    assert run("none", script(LEAK), more=variables).status == 9
    assert run("none", script(LEAK), more=variables, options=("--exit-code", "8")).status == 8


@pytest.mark.parametrize(
    ("options", "more", "says"),
    [
        (("--suppress", "missing"), {}, "--suppress: cannot read missing"),
        ((), {"DIAGNOSTICS_OPTIONS": "leak=error"}, "'leak=error' is not one of json=…, leaks=…"),
        ((), {"DIAGNOSTICS_OPTIONS": "leaks=maybe"}, "leaks is one of report, error, off, not 'maybe'"),
        ((), {"DIAGNOSTICS_OPTIONS": "timeout=soon"}, "timeout cannot be 'soon'"),
        (("--leaks", "maybe"), {}, "invalid choice: 'maybe'"),
        (("--exit-code", "256"), {}, "argument --exit-code: '256' is not a whole number from 0 to 255"),
        (("--exit-code", "-1"), {}, "argument --exit-code: '-1' is not a whole number from 0 to 255"),
        ((), {"DIAGNOSTICS_OPTIONS": "exit_code=256"}, "exit_code cannot be '256'"),
        (("--timeout", "nan"), {}, "argument --timeout: 'nan' is not a number of seconds"),
        (("--timeout", "-1"), {}, "argument --timeout: '-1' is not a number of seconds"),
        (("--python", "no-such-python"), {}, "--python: there is no interpreter no-such-python"),
        (("--timeout", "inf"), {}, "argument --timeout: 'inf' is not a number of seconds"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_runs(
    run: Callable[..., Ran],
    script: Callable[[str], Path],
    options: tuple[str, ...],
    more: dict[str, str],
    says: str,
) -> None:
    ran = run("none", script("print('ran')"), options=options, more=more)
    assert ran.status == 2
    assert says in ran.errors
    assert not ran.output


def test_the_program_can_have_another_interpreter_where_nothing_is_installed(
    run: Callable[..., Ran],
    script: Callable[[str], Path],
    surroundings: Callable[[str], dict[str, str]],
    tmp_path: Path,
) -> None:
    venv.create(tmp_path / "venv", symlinks=os.name != "nt")
    python = shutil.which("python", path=tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin"))
    assert python is not None
    path = script('import os, sys; print(sys.prefix, sys.path, "DIAGNOSTICS" in str(os.environ))' + ERROR)
    plain = subprocess.run(
        [python, path], env=surroundings("none"), cwd=tmp_path, capture_output=True, text=True, check=True
    )

    ran = run("none", path, options=("--python", python))

    assert ran.status == 66
    assert "use-after-loop-close" in ran.errors
    assert ran.output == plain.stdout


@pytest.mark.parametrize("handled", ["RuntimeError", "Exception", "OSError"])
def test_a_package_may_wake_a_loop_that_is_closed_if_it_handles_that(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path, handled: str
) -> None:
    package = tmp_path / "site-packages" / "waker.py"
    package.parent.mkdir()
    package.write_text(
        f"def wake(loop):\n    try:\n        loop.call_soon_threadsafe(print)\n    except {handled}:\n        pass\n"
    )
    program = script(
        "import asyncio, sys, threading\nsys.path.append('site-packages')\nimport waker\n"
        "loop = asyncio.new_event_loop()\nloop.close()\n"
        "thread = threading.Thread(target=waker.wake, args=(loop,))\nthread.start()\nthread.join()\n"
    )
    assert run("none", program).status == (66 if handled == "OSError" else 0)


def test_a_missing_script_or_module_is_one_line(run: Callable[..., Ran], tmp_path: Path) -> None:
    assert "no such script: missing.py; for a module write -m missing" in run("none", "missing.py").errors
    ran = run("none", "missing", module=True)
    assert (ran.status, "no module named missing" in ran.errors) == (2, True)
    (tmp_path / "folder").mkdir()
    ran = run("none", "folder")
    assert (ran.status, "no such script: folder" in ran.errors) == (2, True)


def test_suppressions_leave_out_what_they_name(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("# ours\nuse-after-loop-close:*/program.py\n")
    assert run("none", script(ERROR), options=("--suppress", str(rules))).status == 0
    rules.write_text("use-after-loop-close:program.py\n")  # as the report prints it
    assert run("none", script(ERROR), options=("--suppress", str(rules))).status == 0
    rules.write_text("use-after-loop-close:*/other.py\n")
    assert run("none", script(ERROR), options=("--suppress", str(rules))).status == 66
    rules.write_text("no-such-kind:*\n")
    assert "line 1: write kind:pattern" in run("none", script(ERROR), options=("--suppress", str(rules))).errors


def test_pytest_runs_under_it(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(f"def test_it():\n    exec({ERROR!r})\n")
    ran = run("none", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", module=True)
    assert (ran.status, ran.kinds) == (66, {"use-after-loop-close": "error"})
    assert "1 passed" in ran.output


def test_a_report_that_cannot_be_written_says_so_and_the_program_is_what_it_was(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "removed").mkdir()
    program = script("import os; os.rmdir('removed'); print('ran')")
    ran = run("none", program, options=("--json", str(tmp_path / "removed" / "findings.json")))
    assert (ran.status, ran.output) == (0, "ran\n")
    assert "choose another --json FILE" in ran.errors


def test_findings_go_to_standard_output(run: Callable[..., Ran], script: Callable[[str], Path]) -> None:
    ran = run("none", script(LEAK), options=("--json", "-"))
    assert len(json.loads(ran.output)["findings"]) == 1


@pytest.mark.parametrize("before", ["older", None])
def test_findings_go_where_a_link_leads(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path, before: str | None
) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    if before is not None:
        target.write_text(before)
    link.symlink_to(target)
    run("none", script(LEAK), options=("--json", str(link)))
    assert link.is_symlink()
    assert len(json.loads(target.read_text())["findings"]) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such pipes")
def test_a_pipe_with_a_name_gets_the_findings_and_stays(
    run: Callable[..., Ran], script: Callable[[str], Path], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # there before the writer, which waits for nobody then
    assert run("none", script(LEAK), options=("--json", str(pipe))).status == 0
    assert len(json.loads(os.read(reader, 1 << 16))["findings"]) == 1
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="the output has no name here")
@pytest.mark.parametrize("output", ["output", "pipe"])
def test_findings_may_go_where_the_output_goes(
    interpreter: Callable[[str], Path],
    surroundings: Callable[[str], dict[str, str]],
    script: Callable[[str], Path],
    tmp_path: Path,
    output: str,
) -> None:
    file = tmp_path / "output"
    link = tmp_path / "link"
    link.symlink_to("/proc/self/fd/1")
    program = script(LEAK + "print('ran')")
    command = [str(interpreter("none")), "-m", "diagnostics.sanitizer", "--json", str(link), str(program)]
    with file.open("w") as stream:
        kept = stream if output == "output" else subprocess.PIPE
        ran = subprocess.run(command, stdout=kept, text=True, env=surroundings("output"), check=True, timeout=120)
    first, rest = (ran.stdout or file.read_text()).split("\n", 1)
    assert first == "ran"
    assert len(json.loads(rest)["findings"]) == 1


def test_time_that_is_up_ends_the_program_with_a_report(run: Callable[..., Ran], script: Callable[[str], Path]) -> None:
    ran = run("none", script(LEAK + "import threading\nthreading.Event().wait()"), options=("--timeout", "5"))
    assert (ran.status, ran.kinds) == (124, {"pending-task-destroyed": "leak"})
    assert "did not finish within 5 s" in ran.errors
