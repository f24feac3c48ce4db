"""What children of a instrumented program find is the program's: forked, spawned, or still there when it has ended."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.sanitizer.process.children import instrumented_from_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sanitizer.conftest import Ran

WORK = """
import asyncio, concurrent.futures, multiprocessing, os, sys

def work():
    loop = asyncio.new_event_loop()
    loop.close()
    try:
        loop.call_soon(print)
    except RuntimeError:
        print("worked", flush=True)
"""
PROCESS = """
if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    process.start()
    process.join()
    print(process.exitcode)
"""
POOL = """
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(sys.argv[1])) as pool:
        pool.submit(work).result()
"""
FORK = """
child = os.fork()
if child == 0:
    work()
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
# The signal comes to another thread, so nothing wakes the main one, which waits in C: as if it had come just before.
TERMINATED = """
import signal, threading

def end_by_a_signal(ready):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    work()
    ready.set()
    multiprocessing.Semaphore(0).acquire()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    ready = context.Event()
    process = context.Process(target=end_by_a_signal, args=(ready,))
    process.start()
    ready.wait()
    process.terminate()
    process.join(*[float(seconds) for seconds in sys.argv[2:]])
    print(process.exitcode)
"""
# Nobody can be told how a child ended whose parent does not want to know.
UNWANTED = """
import signal, time

if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    process.start()
    process.terminate()
    process.join()
    print(process.exitcode)
"""
# A child that gets its signal before it has run a line of Python.
AT_ONCE = """
import signal
for _ in range(20):
    child = os.fork()
    if child == 0:
        while True:
            signal.pause()
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
# As the workers of servers do to end by the signal that asked them to.
RESET = """
import signal
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work()
    if sys.argv[1] == "raise":
        signal.raise_signal(signal.SIGTERM)
    print("ready", flush=True)
    signal.pause()
if sys.argv[1] == "kill":
    sys.stdin.readline()
    os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
LATE = """
if os.fork() == 0:
    sys.stdin.read()  # until the parent is gone
    work()
"""

METHODS = sorted({"fork", "forkserver", "spawn"} & {*multiprocessing.get_all_start_methods()})  # libraries add others


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "program.py"
        file.write_text(WORK + text)
        return file

    return write


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files with a short name: a socket of `forkserver` must fit."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        *((PROCESS, (method,)) for method in METHODS),
        (POOL, ("spawn",)),
        (FORK, ()),
    ],
)
def test_a_child_counts_for_the_whole_and_ends_as_it_would(
    run: Callable[..., Ran],
    script: Callable[[str], Path],
    tmp_path: Path,
    temporary: Path,
    text: str,
    arguments: tuple[str, ...],
) -> None:
    program, variables = script(text), {"TMPDIR": str(temporary)}
    alone = run("none", program, *arguments, more=variables, instrumented=False)
    instrumented = run("none", program, *arguments, more=variables)
    assert (instrumented.status, alone.status) == (66, 0)
    assert instrumented.output == alone.output
    assert instrumented.kinds == {"use-after-loop-close": "error"}
    (finding,) = instrumented.findings
    assert finding["access"]["site"]["function"] == "work"
    assert instrumented.errors.count("\ndiagnostics: 1 error · ") == 1
    assert list(temporary.glob("diagnostics-*")) == []
    assert list(tmp_path.glob("findings.json*")) == [tmp_path / "findings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is signalled there: a child is ended at once")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seconds", [(), ("60",)])
def test_a_child_that_its_parent_ends_by_a_signal_has_ended(
    run: Callable[..., Ran], script: Callable[[str], Path], temporary: Path, method: str, seconds: tuple[str, ...]
) -> None:
    program, variables = script(TERMINATED), {"TMPDIR": str(temporary)}
    alone = run("none", program, method, *seconds, more=variables, instrumented=False)
    instrumented = run("none", program, method, *seconds, more=variables)
    assert alone.output == instrumented.output == f"worked\n{-signal.SIGTERM}\n"
    assert instrumented.kinds == {"use-after-loop-close": "error"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_the_system_has_waited_for_is_not_waited_for_again(
    run: Callable[..., Ran], script: Callable[[str], Path], temporary: Path
) -> None:
    program, variables = script(UNWANTED), {"TMPDIR": str(temporary)}
    alone = run("none", program, more=variables, instrumented=False)
    assert run("none", program, more=variables).output == alone.output == "None\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_is_ended_as_soon_as_it_is_forked(
    run: Callable[..., Ran], script: Callable[[str], Path], temporary: Path
) -> None:
    instrumented = run("none", script(AT_ONCE), more={"TMPDIR": str(temporary)})
    assert instrumented.output == f"{-signal.SIGTERM}\n" * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_ends_itself_by_a_signal_has_reported(
    run: Callable[..., Ran], script: Callable[[str], Path]
) -> None:
    program = script(RESET)
    alone = run("none", program, "raise", instrumented=False)
    instrumented = run("none", program, "raise")
    assert alone.output == instrumented.output == f"worked\n{-signal.SIGTERM}\n"
    assert instrumented.kinds == {"use-after-loop-close": "error"}
    assert instrumented.document is not None
    assert instrumented.document["cannot_tell"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_is_killed_is_a_blind_spot(script: Callable[[str], Path], inside: Path, tmp_path: Path) -> None:
    file = tmp_path / "findings.json"
    command = [sys.executable, "-m", "diagnostics.sanitizer", "--json", str(file), str(script(RESET)), "kill"]
    variables = {**os.environ, "PYTHONPATH": str(inside)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == ["worked\n", "ready\n"]
        parent.communicate("go\n", timeout=60)
    document = json.loads(file.read_text())
    assert [finding["kind"] for finding in document["findings"]] == ["use-after-loop-close"]
    (line,) = document["cannot_tell"]
    assert line.endswith("was killed before it could report what it leaves open")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_outlives_its_parent_writes_its_own_file(
    script: Callable[[str], Path], inside: Path, tmp_path: Path, temporary: Path
) -> None:
    file = tmp_path / "findings.json"
    command = [sys.executable, "-m", "diagnostics.sanitizer", "--json", str(file), "--", str(script(LATE))]
    variables = {**os.environ, "PYTHONPATH": str(inside), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables
    ) as parent:
        assert parent.wait(60) == 0
        assert json.loads(file.read_text())["findings"] == []
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.close()
        assert parent.stdout.read() == b"worked\n"  # and then it has ended: nobody holds the pipe any more
    (late,) = tmp_path.glob("findings.json.*")
    assert late.suffix[1:].isdigit()
    assert [finding["kind"] for finding in json.loads(late.read_text())["findings"]] == ["use-after-loop-close"]
    assert list(temporary.glob("diagnostics-*")) == []


SERVER = "from multiprocessing.forkserver import main; main(4, 5, [], **{})"


@pytest.mark.parametrize(
    "line",
    [SERVER, f"import sys; {SERVER}", "import sys; from multiprocessing.spawn import spawn_main; spawn_main(3)"],
)
def test_the_line_of_a_child_comes_after_ours_however_this_python_writes_it(line: str) -> None:
    module = "multiprocessing.spawn" if "spawn" in line else "multiprocessing.forkserver"
    command = ["python", "-X", "dev", "-c", line, "an argument"]
    *before, ours, after = instrumented_from_start(command, module, ("journal", "settings"))
    assert (before, after) == (command[:4], "an argument")
    assert ours.startswith("exec(")
    assert ours.endswith(f"; {line}")


@pytest.mark.parametrize(
    "command", [["-c", "from multiprocessing.resource_tracker import main"], ["multiprocessing.spawn"]]
)
def test_other_commands_stay(command: list[str]) -> None:
    words = ["python", *command]
    assert instrumented_from_start(words, "multiprocessing.spawn", ("journal", "settings")) == words
