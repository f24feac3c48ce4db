"""The fork server's loop: requests in, children out, one line for each that ends.

It holds no event loop, no thread and no client, or every forked trial would start with them.
"""

from __future__ import annotations

import gc
import importlib
import select
import sys
import threading
import time
from typing import Any

from diagnostics.model.request import TrialRequest
from diagnostics.worker.children import Child, end, start, start_trial
from diagnostics.worker.probe import call_once, probe_request, read_probe, run_probe
from diagnostics.worker.wire import Wire


def serve() -> None:
    """Serves until standard input ends."""
    wire = Wire()
    wire.send({"ready": True, "python": sys.version.split()[0], "threads": threading.active_count()})
    children: dict[int, Child] = {}
    try:
        while True:
            next_deadline = min((child.deadline for child in children.values()), default=None)
            wait = None if next_deadline is None else max(0.0, next_deadline - time.monotonic())
            readable, _, _ = select.select([wire.input, *children], [], [], wait)
            now = time.monotonic()
            for sentinel, child in list(children.items()):
                over = sentinel in readable
                if over or child.deadline <= now:
                    del children[sentinel]
                    wire.send({"key": child.key, "exit": end(child, kill=not over), "hang": not over})
            if wire.input in readable:
                requests = wire.receive()
                if requests is None:
                    return
                for request in requests:
                    if "probe" in request:
                        wire.send(preload(request))
                    else:
                        child = start_trial(TrialRequest.from_json(request["trial"]))
                        children[child.sentinel] = child
    finally:
        for child in children.values():
            end(child, kill=True)


def preload(request: dict[str, Any]) -> dict[str, Any]:
    """Probes in a throwaway child, imports here what it imported there, and makes the first calls if that is safe."""
    throwaway = probe_request(request)
    child = start(throwaway.key, throwaway.timeout, lambda: run_probe(request))
    readable, _, _ = select.select([child.sentinel], [], [], throwaway.timeout)
    status = end(child, kill=not readable)
    answer, modules = read_probe(request, status, hang=not readable)
    if answer["status"] == "ran":
        import_quietly(modules)
        if not answer["left"]:
            call_once(request["probe"], request["url"])
        # What was imported is garbage for no child: with it set aside, a collection in a child costs what it would cost
        # a small program, and copies no page. The collection before it leaves the collector's own thresholds, and so
        # the moments at which it starts by itself, as they are after these imports in a new interpreter.
        gc.collect()
        gc.freeze()
    return answer


def import_quietly(modules: list[str]) -> None:
    """Imports modules in the order given; one that cannot be imported by its name is left to the trials."""
    for module in modules:
        if module.split(".")[0] not in ("diagnostics", "__main__"):
            try:
                importlib.import_module(module)
            except Exception:  # noqa: S112 - some names in sys.modules are not importable; it costs only time
                continue
