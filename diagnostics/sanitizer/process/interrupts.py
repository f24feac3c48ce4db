"""Signal handlers that the program does not see.

`signal.getsignal` and `signal.signal` return what the program would have found without the sanitizer. The two functions
of `signal` that convert handlers on their way in and out are replaced, so no frame of the sanitizer is in a traceback.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, Patches
from diagnostics.sanitizer.process.observed_call import ObservedCall, ObservedMethod


def install(number: int, handler: Any) -> None:
    """Installs a handler in place of the default action, which the program keeps seeing.

    Does nothing where the signal has another handler, or outside the main thread.
    """
    with contextlib.suppress(OSError, ValueError):
        if signal.getsignal(number) is signal.SIG_DFL and _hide(handler, signal.SIG_DFL, replaces=False):
            signal.signal(number, handler)


def at_interrupt(observe: Callable[[], None]) -> None:
    """Calls `observe` at Ctrl-C, before the program's handler.

    Python's own handler and the one that `asyncio.Runner` installs are observed. The traceback that follows begins in
    the original.
    """
    Patches(
        [
            Patch(
                "asyncio.runners",
                "Runner",
                "_on_sigint",
                lambda method, _: ObservedMethod(observe, method),
                optional=True,
            )
        ]
    ).apply()
    default = signal.default_int_handler
    with contextlib.suppress(ValueError):  # not in the main thread
        if _hide(ObservedCall(observe, default), default, replaces=True) and signal.getsignal(signal.SIGINT) is default:
            signal.signal(signal.SIGINT, default)


def _hide(handler: Any, shown: Any, *, replaces: bool) -> bool:
    """Shows the program another handler than the one that is installed.

    Args:
        handler: the handler that is installed.
        shown: what the program sees.
        replaces: whether the handler is also installed wherever the program installs `shown`.

    Returns:
        Whether this Python allows it.
    """
    internals: Any = signal
    outwards = getattr(internals, "_int_to_enum", None)
    inwards = getattr(internals, "_enum_to_int", None)
    if outwards is None or inwards is None:
        return False

    def _int_to_enum(value: Any, kind: Any) -> Any:
        return shown if value is handler else outwards(value, kind)

    def _enum_to_int(value: Any) -> Any:
        return handler if value is shown and replaces else inwards(value)

    internals._int_to_enum = _int_to_enum
    internals._enum_to_int = _enum_to_int
    return True
