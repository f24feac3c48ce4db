"""What happens while a call is under way: whether that is the call's own work, or somebody else's within it.

An SDK's call contains a call of the HTTP client beneath it, and may make that client. But the program's code runs
inside calls too (event hooks, auth flows, trace callbacks, an application behind a transport), and its clients are its
own. The stack tells them apart: in between there is a line of the program.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord
from diagnostics.sanitizer.capture.sites import belongs, file_in, in_stdlib, is_generated, is_ours, is_users

_TRANSPORT = "handle_async_request"
"""How httpx enters a transport; one of another library may have a client of a third one beneath it."""

_HTTP = ("_client", "_async_httpx_client")
"""Where an SDK's client keeps the HTTP client that it was given: openai and anthropic, google-genai."""


def is_part(call: CallRecord, client: ClientRecord | None, package: str) -> bool:
    """Whether a call that begins here and now, inside another one, is part of it.

    Args:
        call: the outer one, which is active.
        client: whose call begins, if it is known.
        package: of the library that it belongs to.
    """
    around = call.client
    if client is None or around is None or client is around:
        return is_libraries(call, package)
    beneath = client.outermost is around.outermost or _holds(around.ref(), client.ref())
    return beneath or is_libraries(call, package)


def _holds(around: Any, client: Any) -> bool:
    kept = getattr(around, "__dict__", {})
    return client is not None and any(kept.get(name) is client for name in _HTTP)


def is_libraries(call: CallRecord, package: str) -> bool:
    """Whether only the code of a call's libraries, and of a transport, stands between that call and what runs now.

    Args:
        call: which is active.
        package: of the library that runs now, which does not count.
    """
    entry = call.frame
    libraries = {call.package, call.http.package if call.http is not None else call.package}
    between = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not entry:
        file = file_in(frame)
        if not (belongs(file, package) or is_ours(file) or in_stdlib(file)):
            if any(belongs(file, library) for library in libraries):
                break
            if is_users(file) and not is_generated(frame.f_code):
                return False
            between = frame.f_code.co_name
        frame = frame.f_back
    return frame is not None and between in (None, _TRANSPORT)


def is_inside(call: CallRecord) -> bool:
    """Whether a call waits for what runs now: it is further out on the same stack."""
    entry = call.frame
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not entry:
        frame = frame.f_back
    return frame is not None
