"""unsync's decorator and `result()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unsync import unsync

from benchmarks.bridges.bridge import Bridge, Work


def _timed(work: Work, seconds: float) -> Any:
    return unsync(work)().result(timeout=seconds)


def _bind(work: Work) -> Callable[[], Any]:
    begin = unsync(work)
    return lambda: begin().result()


BRIDGE = Bridge(bind=_bind, timed=_timed)
