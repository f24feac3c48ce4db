"""A throwaway child that shows whether a provider works here at all, and which modules its calls pull in.

It makes each kind of call once, on one loop, and closes what it opened: nothing here can meet the error we look for. A
provider that fails even so is `incompatible` with this environment, and its cells say nothing about any fix.

The same calls also warm the process that trials are forked from: half of a short trial would otherwise go into what an
SDK builds at its first call (models, type adapters, header tables). That is done only where the throwaway child was
left as it began, with no loop, no thread and no descriptor more.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import threading
from typing import Any

from diagnostics.experiment.program import ECHO, CallTarget, Incompatible, describe
from diagnostics.experiment.provider import ClientOptions, Provider
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.model.cell import Load
from diagnostics.model.request import HARNESS_FAILED, TrialRequest
from diagnostics.worker.trial import Unwritten, open_fds, prepare_process, write

QUESTION = "are you there"


def probe(provider_name: str, url: str) -> dict[str, Any]:
    """Calls a provider once in each way.

    Returns:
        `{"status": "ran" | "incompatible", "reason": str | None, "modules": [name, …], "left": [sentence, …]}`: the
        modules in the order in which they were imported, and what the calls left behind in the process.
    """
    before = set(sys.modules)
    fds = open_fds()
    reason = call_once(provider_name, url)
    modules = [name for name in sys.modules if name not in before]
    left = leftovers(fds)
    return {"status": "ran" if reason is None else "incompatible", "reason": reason, "modules": modules, "left": left}


def call_once(provider_name: str, url: str) -> str | None:
    """Makes the calls, in a thread of their own, and returns why they failed or `None`.

    A thread, because `asyncio.run` changes what `asyncio.get_event_loop` does afterwards in the thread it ran in.
    """
    provider, target = PROVIDERS[provider_name], CallTarget(url)
    failed: list[str] = []

    def calls() -> None:
        try:
            provider.counted(target)
            asyncio.run(_ask(provider, target))
            _ask_sync(provider, target)
        except Incompatible as error:
            failed.append(str(error))
        except BaseException as error:  # SystemExit too: it would end this thread without a word
            failed.append(f"a single call on one loop already fails: {describe(error)}")

    thread = threading.Thread(target=calls)
    thread.start()
    thread.join()
    return failed[0] if failed else None


def leftovers(fds: int) -> list[str]:
    """What would be forked into every trial: threads, open loops, and descriptors beyond `fds`."""
    gc.collect()
    # By type, not isinstance: that asks an object for its class, and a lazy proxy then imports what it stands for.
    loops = [found for found in gc.get_objects() if issubclass(type(found), asyncio.AbstractEventLoop)]
    left = [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
    left += [f"open loop {loop!r}" for loop in loops if not loop.is_closed()]
    if open_fds() > fds:
        left.append(f"{open_fds() - fds} descriptors")
    return left


async def _ask(provider: Provider, target: CallTarget) -> None:
    client = provider.build(target, ClientOptions())
    try:
        _check(await provider.ask(client, target, QUESTION))
        # Not every library has streamed answers or a sync client; a trial that needs one says so itself.
        with contextlib.suppress(Incompatible):
            await provider.abandon(client, target, QUESTION)
    finally:
        # A client that has no way to be closed can be tried all the same; a fix that closes it says so itself.
        with contextlib.suppress(Incompatible):
            await provider.close(client)


def _ask_sync(provider: Provider, target: CallTarget) -> None:
    try:
        client = provider.build_sync(target, ClientOptions())
    except Incompatible:
        return
    try:
        _check(provider.ask_sync(client, target, QUESTION))
    finally:
        with contextlib.suppress(Incompatible):
            provider.close_sync(client)


def _check(answer: str) -> None:
    if answer != ECHO + QUESTION:
        raise ValueError(f"the provider server was asked {QUESTION!r} and answered {answer[:80]!r}")


def probe_request(request: dict[str, Any]) -> TrialRequest:
    """A probe as a trial without a scenario: the same files, time and limits."""
    return TrialRequest(
        key=f"probe-{request['probe']}",
        provider=request["probe"],
        scenario="",
        fix="",
        load=Load(),
        url=request["url"],
        folder=request["folder"],
        timeout=request["timeout"],
    )


def run_probe(request: dict[str, Any]) -> int:
    """Probes in this process, which is there for nothing else, and leaves the result in its file."""
    throwaway = probe_request(request)
    prepare_process(throwaway)
    try:
        write(throwaway, probe(request["probe"], request["url"]))
    except Unwritten:
        return HARNESS_FAILED
    return 0


def read_probe(request: dict[str, Any], status: int, *, hang: bool) -> tuple[dict[str, Any], list[str]]:
    """The answer to the host and the modules to import, from what the process of a probe left behind."""
    throwaway = probe_request(request)
    try:
        with open(throwaway.result_file, encoding="utf-8") as file:
            result = json.load(file)
        os.unlink(throwaway.result_file)
    except (OSError, ValueError):
        how = f"did not end within {throwaway.timeout:g} s" if hang else f"ended with status {status}"
        reason = f"a first call with {request['probe']} {how}: {last_line(throwaway.output_file)}"
        result = {"status": "broken", "reason": reason, "left": [], "modules": []}
    modules: list[str] = result.pop("modules")
    return {"probe": request["probe"], **result, "exit": status, "threads": threading.active_count()}, modules


def last_line(file: str) -> str:
    """The last line of a file that is not blank."""
    try:
        with open(file, "rb") as stream:
            lines = stream.read().decode(errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
