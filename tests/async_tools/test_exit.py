"""The end of the interpreter: everything is closed, nothing is printed, and nothing waits for ever."""

from __future__ import annotations

import pytest

from tests.async_tools.parts import ended, program

WARNINGS = ("-X", "dev", "-W", "error")


def test_a_program_ends_without_a_word_whatever_still_runs() -> None:
    text = """
class Client:
    async def close(self):
        await asyncio.sleep(0)
        print("closed")
local = LoopLocal(Client)
async def generate():
    try:
        yield 1
    finally:
        await asyncio.sleep(0)
        print("finalised")
generator, iterator = generate(), to_sync(generate)()
async def use():
    await local.get()
    await generator.__anext__()
    await asyncio.to_thread(int)
    use.task = asyncio.create_task(asyncio.sleep(3600))
run_sync(use())
next(iterator)
other = PersistentLoop("another")
nobody_waits = other.submit(asyncio.sleep(3600))
"""
    output, errors, status = ended(program(text, *WARNINGS))
    assert (sorted(output.split()), errors, status) == (["closed", "finalised", "finalised"], "", 0)


def test_a_cleanup_that_never_ends_does_not_hold_the_program() -> None:
    text = """
from diagnostics.async_tools import limits
limits.EXIT_GRACE = 0.05
async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
async def start():
    start.task = asyncio.ensure_future(stubborn())
run_sync(start())
"""
    output, _, status = ended(program(text))
    assert (output, status) == ("", 0)


def test_calls_at_exit_are_answered_or_refused_and_never_hang() -> None:
    """Handlers run in the reverse order of their registration, so the first one comes when the loop has ended."""
    text = """
async def echo(value): return value
def at_exit(name, run_sync=run_sync, echo=echo, print=print):  # the names of this module go before the finaliser runs
    try:
        answer = run_sync(echo("answered"))
    except RuntimeError as error:
        answer = error
    print(name, answer, flush=True)
class Object:
    def __del__(self, at_exit=at_exit):
        at_exit("finaliser")
kept = Object()
atexit._clear()
atexit.register(at_exit, "before")
from diagnostics.async_tools.state import _at_exit
atexit.register(_at_exit)
atexit.register(at_exit, "after")
run_sync(echo(1))
"""
    output, errors, status = ended(program(text, *WARNINGS))
    assert output.splitlines()[:2] == [
        "after answered",
        "before the interpreter is exiting: no event loop can be started any more",
    ]
    assert (errors, status) == ("", 0)


def test_a_first_call_in_a_handler_is_answered_or_refused() -> None:
    """From 3.12 on some interpreters start no thread there."""
    text = """
async def echo(value): return value
def at_exit():
    try:
        answer = run_sync(echo("answered"))
    except RuntimeError as error:
        answer = error
    print(answer, flush=True)
atexit.register(at_exit)
"""
    output, errors, status = ended(program(text, *WARNINGS))
    assert output.strip() in ("answered", "no thread can be started for the event loop (at exit, none can)")
    assert (errors, status) == ("", 0)


def test_a_finaliser_that_runs_when_the_interpreter_is_taken_apart_is_refused() -> None:
    text = """
async def echo(value): return value
class Object:
    def __del__(self, run_sync=run_sync, echo=echo, RuntimeError=RuntimeError, write=os.write):
        try:
            run_sync(echo(1))
        except RuntimeError as error:
            write(1, str(error).encode())
kept = Object()
run_sync(echo(1))
"""
    expected = "the interpreter is exiting: no event loop can be started any more"
    assert ended(program(text, *WARNINGS)) == (expected, "", 0)


@pytest.mark.parametrize("kind", ["daemon", "other"])
def test_threads_that_call_all_the_time_do_not_hold_the_program(kind: str) -> None:
    text = f"""
async def echo(value): return value
begun = threading.Semaphore(0)
def call():
    main = threading.main_thread()
    for number in range(10**9):
        try:
            run_sync(echo(number))
        except (RuntimeError, asyncio.CancelledError):
            return
        begun.release()
        if not threading.current_thread().daemon and not main.is_alive():
            return
for _ in range(3):
    threading.Thread(target=call, daemon={kind == "daemon"}).start()
for _ in range(30):
    begun.acquire()
"""
    assert ended(program(text, *WARNINGS)) == ("", "", 0)


def test_a_finaliser_that_calls_while_the_first_call_makes_its_thread_is_refused_not_stuck() -> None:
    text = """
class Owner:
    def __init__(self):
        self.me = self
    def __del__(self):
        try:
            run_sync(asyncio.sleep(0))
        except RuntimeError:
            print("refused")
make = threading.Thread.__init__
def collects(self, *arguments, **keywords):
    make(self, *arguments, **keywords)
    if self.name == "persistent-event-loop":
        gc.collect()
gc.disable()
Owner()
threading.Thread.__init__ = collects
print(run_sync(asyncio.sleep(0, "answer")))
"""
    assert ended(program(text)) == ("refused\nanswer\n", "", 0)
