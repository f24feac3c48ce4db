"""Ctrl-C cancels the coroutine, whose cleanup runs before the caller goes on; in programs of their own."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.async_tools.parts import ended, program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a console event cannot be sent to one child")


def interrupted(text: str, times: int = 1) -> tuple[str, str, int]:
    """Sends Ctrl-C each time that the program says that it waits; what it prints after the first."""
    process = program(text, "-X", "dev")
    assert process.stdout is not None
    for _ in range(times):
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
    return ended(process)


def test_ctrl_c_cancels_the_coroutine_and_its_cleanup_comes_first() -> None:
    text = """
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        print("cleaned", flush=True)
try:
    run_sync(wait())
except KeyboardInterrupt:
    print("interrupted", flush=True)
async def more():
    return "goes on"
print(run_sync(more()))
"""
    assert interrupted(text) == ("cleaned\ninterrupted\ngoes on\n", "", 0)


def test_a_second_ctrl_c_does_not_wait_for_the_cleanup() -> None:
    text = """
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        print("waiting", flush=True)
        await until.wait()
        print("cleaned", flush=True)
async def make():
    return asyncio.Event()
until = run_sync(make())
try:
    run_sync(wait())
except KeyboardInterrupt:
    print("interrupted", flush=True)
async def let_go():
    until.set()
run_sync(let_go())
shutdown()
"""
    assert interrupted(text, 2) == ("interrupted\ncleaned\n", "", 0)


def test_the_wait_for_the_cleanup_is_bounded() -> None:
    text = """
from diagnostics.async_tools import limits
limits.INTERRUPT_GRACE = 0.01
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        await until.wait()
        print("cleaned", flush=True)
async def make():
    return asyncio.Event()
until = run_sync(make())
try:
    run_sync(wait())
except KeyboardInterrupt:
    print("interrupted", flush=True)
async def let_go():
    until.set()
run_sync(let_go())
shutdown()
"""
    assert interrupted(text) == ("interrupted\ncleaned\n", "", 0)


def test_an_error_in_the_cleanup_is_told_with_the_interrupt() -> None:
    text = """
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        raise OSError("cannot clean")
try:
    run_sync(wait())
except KeyboardInterrupt as interrupt:
    print(repr(interrupt.__context__))
"""
    assert interrupted(text) == ("OSError('cannot clean')\n", "", 0)


def test_any_exception_of_a_signal_handler_does_the_same() -> None:
    text = """
class Stop(Exception): pass
def stop(*_): raise Stop
signal.signal(signal.SIGINT, stop)
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        print("cleaned", flush=True)
try:
    run_sync(wait())
except Stop:
    print("stopped")
"""
    assert interrupted(text) == ("cleaned\nstopped\n", "", 0)


def test_a_signal_handler_may_call_itself() -> None:
    """In the midst of another call, whatever that one is doing at the time."""
    text = """
async def echo(value):
    return value
answers = []
def handler(*_):
    answers.append(run_sync(echo("from the handler")))
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
calls = 0
while len(answers) < 100:
    assert run_sync(echo(calls)) == calls
    calls += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(set(answers))
"""
    assert ended(program(text)) == ("{'from the handler'}\n", "", 0)


def test_a_signal_handler_may_call_at_every_step_of_the_first_call_which_starts_the_thread() -> None:
    """A thread that begins takes a lock that its starter holds now and then: a handler in its midst must not wait."""
    text = """
async def echo(value):
    return value
def handler(*_):
    answers.append(loop.run(echo("from the handler")))
signal.signal(signal.SIGTERM, handler)
def at(step):
    steps = 0
    def count(*_):
        nonlocal steps
        steps += 1
        if steps == step:
            signal.raise_signal(signal.SIGTERM)
    with PersistentLoop() as persistent:
        global loop, answers
        loop, answers = persistent, []
        sys.setprofile(count)
        answer = loop.run(echo(step))
        sys.setprofile(None)
        assert answer == step
        return bool(answers)
step = 1
while at(step):
    step += 1
print(step > 50)
"""
    assert ended(program(text)) == ("True\n", "", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="sends signals to itself as fast as it can")
def test_interrupts_at_any_moment_leave_every_later_call_working() -> None:
    """Each is caught, and the call after it is answered: nothing that one leaves behind blocks another."""
    text = """
import warnings
from diagnostics.async_tools import limits
limits.SIGNAL_CHECK = 0.001  # the signal that it is for comes all the time here
warnings.simplefilter("ignore", RuntimeWarning)  # a coroutine that is interrupted on its way to run_sync
async def echo(value):
    await asyncio.sleep(0)
    return value
signal.signal(signal.SIGALRM, signal.default_int_handler)
caught, calls = 0, run_sync(echo(0))
while caught < 500:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + calls % 17 * 0.00001)
        try:
            for number in range(1000):
                run_sync(echo(number))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        caught += 1
    calls += 1
    assert run_sync(echo(calls)) == calls
print(caught)
"""
    output, _, status = ended(program(text))  # Python itself tells of those that come within a finaliser
    assert (output, status) == ("500\n", 0)


def test_ctrl_c_keeps_the_error_that_was_being_handled() -> None:
    text = """
async def wait():
    print("waiting", flush=True)
    await asyncio.Event().wait()
try:
    raise ValueError("first")
except ValueError:
    try:
        run_sync(wait())
    except KeyboardInterrupt as interruption:
        print(repr(interruption.__context__))
"""
    assert interrupted(text) == ("ValueError('first')\n", "", 0)
