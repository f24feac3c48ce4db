"""Tells the work of a call from calls that are made inside it.

An SDK's call contains a call of the HTTP client beneath it, and may create that client. But code of the program runs
inside calls too (event hooks, auth flows, trace callbacks, an application behind `ASGITransport`), and its calls and
clients are separate. The stack tells them apart: there is a line of the program in between.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord
from diagnostics.sanitizer.capture.sites import (
    belongs,
    file_in,
    file_of,
    frames,
    in_stdlib,
    is_generated,
    is_ours,
    is_users,
)

_TRANSPORT = "handle_async_request"
"""How httpx calls a transport. A transport of another library may use a client of a third one."""

_HTTP = tuple({row.http_attribute for row in LIBRARIES.values() if row.http_attribute})
"""Attributes in which SDK clients keep the HTTP client they were given."""


def is_part(call: CallRecord, client: ClientRecord | None, package: str) -> bool:
    """Returns whether a call that starts now, inside another call, is part of that call.

    Args:
        call: the outer call, which is active.
        client: the client whose call starts, if it is known.
        package: the library of that client.
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
    """Returns whether there is only code of a call's libraries, and of a transport, between that call and this code.

    Args:
        call: the call, which is active.
        package: the library that runs now, which does not count.
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
    """Returns whether a call waits for the code that runs now, because it is on the same stack."""
    entry = call.frame
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not entry:
        frame = frame.f_back
    return frame is not None


def made_by(record: ClientRecord, package: str) -> bool:
    """Returns whether code of a package created this client itself, as opposed to being given it."""
    for code, _ in frames(record.created):
        file = file_of(code)
        if package == record.package or not belongs(file, record.package):
            return belongs(file, package)
    return False
