"""The fork server's loop: requests in, children out, one line for each that ends.

It holds no event loop, no thread and no client, or every forked trial would start with them.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import sys
import threading
import time
from typing import Any

from diagnostics.model.cell import Load
from diagnostics.model.request import TrialRequest
from diagnostics.worker.children import Child, end, start, start_trial
from diagnostics.worker.probe import call_once, probe
from diagnostics.worker.trial import prepare_process, write


class Wire:
    """Lines from and to the host, on descriptors that nothing else can print to."""

    def __init__(self) -> None:
        self.input = os.dup(0)
        self._output = os.dup(1)
        # Whatever an SDK prints while it is imported goes where errors go, not between the answers.
        os.dup2(2, 1)
        self._buffer = b""

    def send(self, answer: dict[str, Any]) -> None:
        """Writes one answer."""
        os.write(self._output, json.dumps(answer).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """The requests that one read completed, or `None` at the end of input."""
        data = os.read(self.input, 65536)
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]


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
    provider = request["probe"]
    throwaway = TrialRequest(
        key=f"probe-{provider}",
        provider=provider,
        scenario="",
        fix="",
        load=Load(),
        url=request["url"],
        folder=request["folder"],
        timeout=request["timeout"],
    )

    def job() -> int:
        prepare_process(throwaway)
        write(throwaway, probe(provider, request["url"]))
        return 0

    child = start(throwaway.key, throwaway.timeout, job)
    readable, _, _ = select.select([child.sentinel], [], [], throwaway.timeout)
    status = end(child, kill=not readable)
    answer: dict[str, Any] = {"probe": provider, "status": "broken"}
    try:
        with open(throwaway.result_file, encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError):
        how = f"ended with status {status}" if readable else f"did not end within {throwaway.timeout:g} s"
        answer["reason"] = f"a first call with {provider} {how}: {last_line(throwaway.output_file)}"
        return answer
    if result["status"] == "ran":
        import_quietly(result["modules"])
        if not result["left"]:
            call_once(provider, request["url"])
        # What was imported is garbage for no child: with it set aside, a collection in a child costs what it would cost
        # a small program, and copies no page. The collection before it leaves the collector's own thresholds, and so
        # the moments at which it starts by itself, as they are after these imports in a new interpreter.
        gc.collect()
        gc.freeze()
    return {
        **answer,
        "status": result["status"],
        "reason": result["reason"],
        "left": result["left"],
        "threads": threading.active_count(),
    }


def last_line(file: str) -> str:
    """The last line of a file that is not blank."""
    try:
        with open(file, "rb") as stream:
            lines = stream.read().decode(errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def import_quietly(modules: list[str]) -> None:
    """Imports modules in the order given; one that cannot be imported by its name is left to the trials."""
    for module in modules:
        if module.split(".")[0] not in ("diagnostics", "__main__"):
            try:
                importlib.import_module(module)
            except Exception:  # noqa: S112 - some names in sys.modules are not importable; it costs only time
                continue
