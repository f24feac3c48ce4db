"""The patch for a request method: its coroutine is the call, and the call is over when that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord
from diagnostics.sanitizer.capture.patching import Patch, disguise
from diagnostics.sanitizer.capture.recorder import RECORDER


def calls(client_of: Callable[[Any], ClientRecord | None]) -> Callable[[Any, Patch], Any]:
    """A replacement for a coroutine function that is entered in the task that does the work: it is the call."""

    def build(original: Any, patch: Patch) -> Any:
        package = patch.module.rpartition(".")[0]

        def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
            call: CallRecord | None = None
            if patch.on:
                try:
                    call = RECORDER.call_begins(client_of(self), package)
                except Exception as error:
                    patch.fail(error)
            coroutine = original(self, *args, **kwargs)
            if call is not None:
                try:
                    RECORDER.call_runs(call, coroutine)
                except Exception as error:
                    patch.fail(error)
            return coroutine

        return disguise(replacement, original)

    return build
