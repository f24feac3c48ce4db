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

        def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
            coroutine = original(self, *args, **kwargs)
            if patch.on:
                try:
                    TRACKER.call_started(client_of(self), package, coroutine)
                except Exception as error:
                    patch.fail(error)
            return coroutine

        return disguise(replacement, original)

    return build
