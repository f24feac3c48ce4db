"""What another thread uses is handed over to the loop with the names of the program."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact, LoopRecord
from tests.sanitizer.test_advice import IN_RUN, IN_THREAD, at, stack
from tests.sanitizer.test_evaluate import INSTALLED, Thing

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """
async def main():
    main_loop = asyncio.get_running_loop()
    queue = asyncio.Queue()
    def work():
        {}
    threading.Thread(target=work).start()
"""
USE = 6
PLAIN = [
    ("queue.put_nowait(item)", "Queue.put_nowait", "main_loop.call_soon_threadsafe(queue.put_nowait, item)"),
    ("done.set()", "Event.set", "main_loop.call_soon_threadsafe(done.set)"),
    (
        "process.stdin.write(b'x')",
        "transport.write",
        "main_loop.call_soon_threadsafe(process.stdin.write, b'x')",
    ),
    (
        "job.set(value, force=True)",
        "Event.set",
        "main_loop.call_soon_threadsafe(lambda: job.set(value, force=True))",
    ),
    ("main_loop.call_soon(tick, 1)", "loop.call_soon", "main_loop.call_soon_threadsafe(tick, 1)"),
    (
        "main_loop.call_later(5, tick)",
        "loop.call_later",
        "main_loop.call_soon_threadsafe(lambda: main_loop.call_later(5, tick))",
    ),
    (
        "main_loop.create_task(poll())",
        "loop.create_task",
        "asyncio.run_coroutine_threadsafe(poll(), main_loop)",
    ),
    ("await asyncio.to_thread(done.set)", "Event.set", "done.set()"),
    ("pool.submit(queue.put_nowait, 3)", "Queue.put_nowait", "queue.put_nowait(3)"),
]


def told(file: Path, source: str, fact: Fact) -> str:
    file.write_text(source)
    (found,) = group(evaluate([fact]), ()).root_causes
    return found.advice[0].code.removeprefix("import asyncio\n\n")


@pytest.mark.parametrize(("line", "operation", "code"), PLAIN)
def test_a_call_is_handed_over_as_the_program_writes_it(tmp_path: Path, line: str, operation: str, code: str) -> None:
    file = tmp_path / "program.py"
    fact = Fact(
        "cross-loop-use",
        "error",
        loop=LoopRecord(Thing(), at(str(file), 1)),
        stack=at(str(file), USE, "work"),
        operation=operation,
        detail={"thread": True, "owner_open": True},
    )
    assert told(file, MAIN.format(line), fact) == code


@pytest.mark.parametrize(
    ("head", "loop"),
    [
        ("loop_of_app = asyncio.new_event_loop()", "loop_of_app"),
        ("class App:\n    def __init__(self):\n        self.loop = asyncio.get_running_loop()", "self.loop"),
        ("", "loop"),
    ],
)
def test_the_loop_is_the_variable_that_the_line_can_reach(tmp_path: Path, head: str, loop: str) -> None:
    file = tmp_path / "program.py"
    inside = head.startswith("class")
    source = f"{head}\n{textwrap.indent('def work(self):', '    ' * inside)}\n        queue.put_nowait(1)\n"
    line = source.splitlines().index("        queue.put_nowait(1)") + 1
    fact = Fact(
        "cross-loop-use",
        "error",
        loop=LoopRecord(Thing(), at(str(file), 1)),
        stack=at(str(file), line, "work"),
        operation="Queue.put_nowait",
        detail={"thread": True, "owner_open": True},
    )
    assert told(file, source, fact) == f"{loop}.call_soon_threadsafe(queue.put_nowait, 1)"


RUNS = """
async def main():
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("localhost", 1)
    def work():
        asyncio.run(send(writer, 1))
    await asyncio.to_thread(work)
asyncio.run(main())
"""


@pytest.mark.parametrize("is_callback", [False, True])
def test_a_run_of_the_thread_becomes_a_coroutine_of_the_loop_that_goes_on(tmp_path: Path, is_callback: bool) -> None:
    file = tmp_path / "program.py"
    own = LoopRecord(Thing(), (*stack(*IN_RUN), *at(str(file), 8)))
    other = LoopRecord(Thing(), (*stack(*IN_RUN), *at(str(file), 6, "work")))
    client = ClientRecord(Thing(), "asyncio.StreamWriter", "asyncio", at(str(file), 4, "main"))
    known: dict[str, Any] = {"loop": own, "current": other, "client": client, "operation": "transport.write"}
    known |= {"stack": (*at(str(file), 6, "send"), *stack(*IN_RUN, *IN_THREAD[1:])), "detail": {"owner_open": True}}
    if is_callback:  # of a library, on the loop that goes on
        known = {"loop": other, "current": own, "operation": "Event.set", "detail": {"thread": True}}
        known |= {"stack": (*stack((f"{INSTALLED}/mqtt/client.py", "answer")), *at(str(file), 8))}
    else:
        known["connection"] = ConnectionRecord(own, client, "", at(str(file), 4, "main"))
    fact = Fact("cross-loop-use", "error", **known)
    code = told(file, RUNS, fact)
    assert code == "asyncio.run_coroutine_threadsafe(send(writer, 1), loop).result()"


def test_a_task_is_made_on_the_loop_that_awaits_it(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    source = "class Poller:\n    def start(self):\n        self.task = self.loop.create_task(self.poll())\n"
    client = ClientRecord(Thing(), "asyncio.Task", "asyncio", at(str(file), 3, "start"))
    fact = Fact(
        "cross-loop-use",
        "error",
        loop=LoopRecord(Thing(), at(str(file), 1)),
        current=LoopRecord(Thing(), at(str(file), 2)),
        client=client,
        stack=at(str(file), 3),
        operation="await",
        detail={"what": "an asyncio Task"},
    )
    assert told(file, source, fact) == "self.task = asyncio.get_running_loop().create_task(self.poll())"
