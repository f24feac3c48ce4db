"""The ids of `sys.monitoring`: a program finds free the one that the sanitizer has, and gets it."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from diagnostics.sanitizer.capture import foreign_futures
from diagnostics.sanitizer.process.observed_call import ObservedCall, replace


def give_way() -> None:
    """Replaces what asks for an id and what asks for its owner, where Python has them."""
    monitoring: Any = getattr(sys, "monitoring", None)
    for name, called in (("use_tool_id", _use), ("get_tool", _owner)):
        if monitoring is not None:
            original = getattr(monitoring, name)
            replace(monitoring, name, ObservedCall(None, original, partial(called, original)))


def _use(original: Any, *arguments: Any) -> Any:
    foreign_futures.leave(arguments[:1])
    return original(*arguments)


def _owner(original: Any, *arguments: Any) -> Any:
    return None if foreign_futures.has(arguments) else original(*arguments)
