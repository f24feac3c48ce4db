"""What a loop is created for: the same lines of a test runner create loops for fixtures of different scopes."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from diagnostics.sanitizer.capture.loop_origins import origin
from diagnostics.sanitizer.capture.sites import capture

SOURCE = """
def runner(request, here):
    return here()
"""


def purpose() -> str:
    frame = sys._getframe(1)
    return origin(frame, capture(frame))[1]


def test_a_frame_says_the_scope_each_time() -> None:
    made: dict[str, Any] = {}
    exec(compile(SOURCE, "/site-packages/pytest_asyncio/plugin.py", "exec"), made)
    scopes = ("function", "session", "function", None)
    assert [made["runner"](SimpleNamespace(scope=each), purpose) for each in scopes] == [
        "function scope",
        "session scope",
        "function scope",
        "",
    ]
