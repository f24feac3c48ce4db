"""Forked and spawned children have a loop and clients of their own, and leave their parent's alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.async_tools.parts import ended, program

if TYPE_CHECKING:
    from pathlib import Path

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@needs_fork
def test_both_sides_of_a_fork_go_on_each_with_a_loop_of_its_own() -> None:
    """The child collects what it inherited, which must not take the parent's loop out of their common selector."""
    text = """
async def name(): return "answer"
run_sync(name())
sys.stdout.flush()
child = os.fork()
if child == 0:
    print("child", run_sync(name()))
    gc.collect()
    shutdown()
    sys.stdout.flush()
    os._exit(0)
print("status", os.waitpid(child, 0)[1])
print("parent", run_sync(name()))
"""
    assert ended(program(text))[0].splitlines() == ["child answer", "status 0", "parent answer"]


@needs_fork
def test_a_child_may_end_as_any_program_does() -> None:
    text = """
class Client:
    async def close(self):
        print(os.getpid() == parent, "closed", flush=True)
parent = os.getpid()
local = LoopLocal(Client)
run_sync(local.get())
child = os.fork()
if child == 0:
    run_sync(local.get())
    sys.exit(5)
print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    assert ended(program(text, "-W", "ignore"))[::2] == ("False closed\nstatus 5\nTrue closed\n", 0)


@needs_fork
def test_a_coroutine_on_the_loop_may_fork() -> None:
    text = """
async def name(): return "answer"
async def forks():
    child = os.fork()
    if child == 0:
        print("child", run_sync(name()), flush=True)
        os._exit(0)
    return os.waitpid(child, 0)[1]
print("status", run_sync(forks()))
"""
    assert ended(program(text))[0].splitlines() == ["child answer", "status 0"]


@needs_fork
def test_a_child_has_a_client_of_its_own_on_a_loop_that_both_have() -> None:
    text = """
class Client:
    async def close(self): pass
local, loop = LoopLocal(Client), asyncio.new_event_loop()
client = loop.run_until_complete(local.get())
child = os.fork()
same = loop.run_until_complete(local.get()) is client
if child == 0:
    os._exit(same)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "parent", same)
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
"""
    assert ended(program(text))[0] == "child 0 parent True\n"


@needs_fork
def test_a_fork_in_the_middle_of_other_threads_calls_works() -> None:
    """Whatever lock another thread holds at that moment, the child has it free."""
    text = """
import warnings
warnings.simplefilter("ignore")
async def echo(value): return value
enough = threading.Event()
def call():
    while not enough.is_set():
        run_sync(echo(1))
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads: thread.start()
statuses = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(run_sync(echo(7)))
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
enough.set()
print(set(statuses))
"""
    assert ended(program(text))[0] == "{7}\n"


MULTIPROCESSING = """
import asyncio, multiprocessing, os, sys
from diagnostics.async_tools import LoopLocal, run_sync

class Client:
    async def close(self):
        name = multiprocessing.current_process().name.split("-")[0]
        print(f"closed in {name}\\n", end="", flush=True)  # one write: others write at the same time

local = LoopLocal(Client)

async def use(number):
    await local.get()
    return number * 2

def work(number):
    return run_sync(use(number))

if __name__ == "__main__":
    run_sync(use(0))
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(work, range(10)))
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_a_pool_of_any_kind_works_and_ends(method: str, tmp_path: Path) -> None:
    if method != "spawn" and not hasattr(os, "fork"):
        pytest.skip("needs os.fork")
    script = tmp_path / "pool.py"
    script.write_text(MULTIPROCESSING, encoding="utf-8")
    text = f"import runpy; sys.argv = [{str(script)!r}, {method!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"

    output, errors, status = ended(program(text, "-W", "ignore"))

    assert (output.splitlines()[0], errors, status) == (str([number * 2 for number in range(10)]), "", 0)
    closed = output.split("closed in ")[1:]
    assert closed[-1] == "MainProcess\n"
    assert {name.strip() for name in closed[:-1]} <= {"SpawnPoolWorker", "ForkPoolWorker", "ForkServerPoolWorker"}
    assert len(closed) > 1
