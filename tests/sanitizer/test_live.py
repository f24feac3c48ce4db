"""What is reported while a program runs: `run --live`, and `watch` with a callback or a logger."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from diagnostics import sanitizer
from diagnostics.sanitizer.analyze.news import certain
from diagnostics.sanitizer.capture.facts import Fact, LoopRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from diagnostics.sanitizer.output.display import ReportedCause
    from tests.sanitizer.conftest import Ran

ERROR = """
import asyncio
import sys


def use_after_close():
    loop = asyncio.new_event_loop()
    loop.close()
    try:
        loop.call_soon(print)
    except RuntimeError:
        print("failed", flush=True)


use_after_close()
"""
SERVER = (
    ERROR
    + """
while sys.stdin.readline():
    use_after_close()
"""
)


def use_after_close() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_soon(print)


@pytest.mark.parametrize(("options", "first"), [((), "error["), (("--format", "jsonl"), '{"type":"root_cause",')])
def test_a_root_cause_is_printed_while_the_program_runs_and_once(
    options: tuple[str, ...], first: str, tmp_path: Path, inside: Path
) -> None:
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    command = [sys.executable, "-m", "diagnostics.sanitizer", "--live", *options, str(program)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env={"PYTHONPATH": str(inside)}
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        block: list[str] = []
        while not block or (block[-1] != "\n" and not options):  # a block ends with an empty line
            block.append(running.stderr.readline())
        assert running.poll() is None
        print("again", file=running.stdin, flush=True)
        assert [running.stdout.readline() for _ in range(2)] == ["failed\n"] * 2
        out, rest = running.communicate(timeout=60)
    assert out == ""
    assert block[0].startswith(first)
    assert "use-after-loop-close" in block[0]
    assert rest.count(first) == 1
    assert rest.splitlines()[-1].startswith('{"type":"run","errors":1' if options else "diagnostics: 1 error")
    assert running.returncode == 66


def test_a_program_ends_as_it_would_without_live(run: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(ERROR)
    found = [run("none", program, options=options) for options in ((), ("--live",))]
    assert [each.status for each in found] == [66, 66]
    assert found[0].document == found[1].document
    assert found[1].errors.endswith(found[0].errors)


def test_a_callback_gets_each_root_cause_once_while_the_block_runs() -> None:
    called, causes = threading.Event(), []

    def on_finding(cause: ReportedCause) -> None:
        causes.append(cause)
        called.set()

    with sanitizer.watch(on_finding) as findings:
        use_after_close()
        assert called.wait(60)
        use_after_close()
    (cause,) = causes
    assert (cause.kind, cause.severity) == ("use-after-loop-close", "error")
    assert cause.evidence[0].access is not None
    assert cause.evidence[0].access.site is not None
    assert cause.evidence[0].access.site.function == "use_after_close"
    assert [each.kind for each in findings.root_causes] == [cause.kind]


def test_what_was_found_last_is_reported_when_the_block_ends() -> None:
    causes: list[ReportedCause] = []
    with sanitizer.watch(causes.append):
        use_after_close()
    assert [cause.kind for cause in causes] == ["use-after-loop-close"]


def test_a_stream_is_not_certain_before_its_loop_closes() -> None:
    loop = LoopRecord(None, ())
    stream, other = Fact("abandoned-stream", "leak", loop=loop), Fact("client-left-open", "leak", loop=loop)
    assert certain([stream, other]) == [other]
    loop.closed = ()
    assert certain([stream, other]) == [stream, other]


def test_a_callback_that_raises_is_logged_and_the_program_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def on_finding(cause: ReportedCause) -> None:
        raise ValueError(cause.kind)

    with sanitizer.watch(on_finding) as findings:
        use_after_close()
    assert [finding.kind for finding in findings] == ["use-after-loop-close"]
    (record,) = caplog.records
    assert record.name == "diagnostics.sanitizer"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "use-after-loop-close"


def test_a_block_can_log(caplog: pytest.LogCaptureFixture) -> None:
    with sanitizer.watch(log=True) as findings:
        use_after_close()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("diagnostics.sanitizer", logging.ERROR)
    assert record.getMessage() == str(findings.root_causes[0])
    assert vars(record)["root_cause"] == findings.root_causes[0]
    assert "\n" not in record.getMessage()


@pytest.mark.skipif(sys.platform == "win32", reason="this system cannot fork")
def test_a_fork_is_not_noticed_by_a_block_with_a_callback(run: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""{ERROR}
import os, diagnostics, threading
called = threading.Event()
with diagnostics.sanitizer.watch(lambda cause: (print(cause.kind, flush=True), called.set())):
    use_after_close()
    called.wait()
    while threading.active_count() > 1:
        pass
    child = os.fork()
    if child == 0:
        called.clear()
        use_after_close()
        called.wait()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    ran = run("none", program, instrumented=False, more={"PYTHONWARNINGS": "error"})
    assert ran.errors == ""
    word = "use-after-loop-close"
    assert ran.output.splitlines() == ["failed", "failed", word, "failed", word, "0"]


def test_the_package_knows_its_modules_and_imports_none(inside: Path) -> None:
    line = (
        "import sys, diagnostics; before = 'diagnostics.sanitizer' in sys.modules; "
        "print(before, diagnostics.sanitizer.watch.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(inside)}
    )
    assert done.stdout == "False watch\n"
