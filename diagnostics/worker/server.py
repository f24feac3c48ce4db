"""The fork server: reads requests, forks a child for each trial, and writes one line when a child ends.

Imports are what a trial costs: forked from a process that has imported the SDK, a trial takes a twentieth of the time
of a new interpreter. The server itself has no event loop, thread or client, because every forked trial would inherit
them.
"""

from __future__ import annotations

import gc
import importlib
import math
import select
import signal
import sys
import threading
import time
from collections.abc import Collection
from typing import Any

from diagnostics.model.codec import decode
from diagnostics.model.request import TrialRequest
from diagnostics.worker.children import Child, ask_where, end, start, start_trial
from diagnostics.worker.probe import call_once, probe_request, read_probe, run_probe
from diagnostics.worker.wire import Wire


def serve() -> None:
    """Serves until standard input ends."""
    wire = Wire()
    wire.send({"ready": True, "python": sys.version.split()[0], "threads": threading.active_count()})
    children: dict[int, Child] = {}
    probes: dict[int, dict[str, Any]] = {}
    try:
        while True:
            next_deadline = min((child.deadline for child in children.values()), default=None)
            wait = None if next_deadline is None else max(0.0, next_deadline - time.monotonic())
            readable, _, _ = select.select([wire.input, *children], [], [], wait)
            look_after(children, probes, readable, wire)
            if wire.input in readable:
                requests = wire.receive()
                if requests is None:
                    return
                for request in requests:
                    if "probe" in request:
                        child = start_probe(request, wire.descriptors)
                        probes[child.sentinel] = request
                    else:
                        child = start_trial(decode(TrialRequest, request["trial"]), private=wire.descriptors)
                    children[child.sentinel] = child
    finally:
        for child in children.values():
            end(child)


def look_after(
    children: dict[int, Child], probes: dict[int, dict[str, Any]], readable: Collection[int], wire: Wire
) -> None:
    """Reports the children that have ended; asks a late child for its stacks, then kills it."""
    now = time.monotonic()
    for sentinel, child in list(children.items()):
        over, late = sentinel in readable, child.deadline <= now
        if late and not over and not child.asked:
            children[sentinel] = ask_where(child)
        elif over or late:
            del children[sentinel]
            status, probe = end(child), probes.pop(sentinel, None)
            if probe is None:
                wire.send({"key": child.key, "exit": status, "hang": child.asked})
            else:
                wire.send(preload(probe, status, hang=child.asked))


def start_probe(request: dict[str, Any], private: Collection[int]) -> Child:
    """Tries a provider in a throwaway child."""
    throwaway = probe_request(request)
    return start(throwaway.key, throwaway.timeout, lambda: run_probe(request), private=private)


def preload(request: dict[str, Any], status: int, *, hang: bool) -> dict[str, Any]:
    """Imports here what the throwaway child imported, makes the first calls if it left nothing open, and answers."""
    answer, modules = read_probe(request, status, hang=hang)
    if answer["status"] == "ran":
        # A call that worked in the throwaway child may hang here. The alarm ends this process, and the host starts
        # another.
        signal.alarm(math.ceil(request["timeout"]))
        # The sanitizer is imported for all trials: an import in instrumented children alone moved the moment at which
        # the collector starts by itself.
        import_quietly(
            [
                *modules,
                "diagnostics.sanitizer",
                "diagnostics.sanitizer.analyze.evaluate",
                "diagnostics.sanitizer.output.timeline",
            ]
        )
        if not answer["left"]:
            call_once(request["probe"], request["url"])
        signal.alarm(0)
        # Frozen objects are not traversed: a collection in a child is as fast as in a small program and copies no page.
        # The collection before it leaves the collector's counters as they are after these imports in a new interpreter,
        # so that it starts by itself at comparable moments.
        gc.collect()
        gc.freeze()
    return answer


def import_quietly(modules: list[str]) -> None:
    """Imports modules in the given order and skips those that cannot be imported by name."""
    for module in modules:
        if module != "__main__" and module not in sys.modules:
            try:
                importlib.import_module(module)
            except Exception:  # noqa: S112 - some names in sys.modules are not importable; it costs only time
                continue
