"""The patch for request methods: the coroutine is the call, and the call ends with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.sanitizer.capture.facts import ClientRecord
from diagnostics.sanitizer.capture.patching import Patch, disguise
from diagnostics.sanitizer.capture.tracker import TRACKER


def calls(client_of: Callable[[Any], ClientRecord | None]) -> Callable[[Any, Patch], Any]:
    """Builds a replacement for a coroutine function that is called in the task that awaits it."""

    def build(original: Any, patch: Patch) -> Any:
        package = patch.module.rpartition(".")[0]
        started = TRACKER.call_started  # bound once: a method of an imported object is slow to look up

        def replacement(*args: Any, **kwargs: Any) -> Any:  # `self` apart would cost a copy of the arguments
            coroutine = original(*args, **kwargs)
            if patch.on:
                try:
                    started(client_of(args[0]), package, coroutine)
                except Exception as error:
                    patch.fail(error)
            return coroutine

        return disguise(replacement, original)

    return build
