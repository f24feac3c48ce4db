"""What the bridges are asked: one row a question, each answered in a process of its own."""

from __future__ import annotations

from typing import Final

from benchmarks.bridges.behaviours import calling, ending
from benchmarks.bridges.behaviours.behaviour import Behaviour

BEHAVIOURS: Final[dict[str, Behaviour]] = {
    "one-loop": Behaviour("all calls run on one loop that stays open", calling.one_loop),
    "one-loop-for-all-threads": Behaviour("… from every thread", calling.one_loop_for_all_threads),
    "calls-overlap": Behaviour("calls of several threads run at the same time", calling.calls_overlap),
    "inside-a-loop": Behaviour("can be called where a loop is running", calling.inside_a_loop),
    "same-loop-inside-a-loop": Behaviour("… and still uses the same loop", calling.same_loop_inside_a_loop),
    "from-its-own-loop": Behaviour("no deadlock when called from its own loop", calling.from_its_own_loop),
    "ctrl-c": Behaviour("Ctrl-C cancels the coroutine, its cleanup runs", calling.ctrl_c_cleans_up),
    "timeout": Behaviour("a time limit that cancels", calling.limits),
    "context-in": Behaviour("context variables go in", calling.context_goes_in),
    "context-out": Behaviour("context variables come out", calling.context_comes_out),
    "tracebacks": Behaviour("exceptions keep both tracebacks", calling.both_tracebacks),
    "exits": Behaviour("SystemExit and KeyboardInterrupt reach the caller", calling.exits_reach_the_caller),
    "iterates": Behaviour("an async generator becomes an iterator", calling.iterates),
    "signature": Behaviour("a decorator that keeps the signature", calling.keeps_signature),
    "loop-factory": Behaviour("takes a loop factory (uvloop)", calling.takes_a_loop_factory),
    "idle": Behaviour("no processor time while idle", calling.idles),
    "closes-clients": Behaviour("a client a loop, closed on it in time", ending.keeps, ending.read_keeps),
    "fork": Behaviour("works after fork", ending.after_fork),
    "spawn": Behaviour("works in a spawned child", ending.spawned),
    "sub-interpreter": Behaviour("answers or refuses in a sub-interpreter", ending.in_sub_interpreter),
    "clean-exit": Behaviour("a clean exit: tasks, generators, executor", ending.ends, ending.read_ends, untold=True),
    "half-read-stream": Behaviour(
        "a half-read stream is finalised whole", ending.leaves_a_stream, ending.read_leaves_a_stream, untold=True
    ),
    "at-exit": Behaviour("answers or refuses at interpreter exit", ending.at_exit, untold=True),
}
