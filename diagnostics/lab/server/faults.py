"""What the server does wrong on purpose: a pure description, asked once for each request of a trial."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """The faults of one trial. Requests are counted from the first one of the trial that arrived whole.

    The first `reset` requests are not answered at all; `status` and `half_close` count the requests after those.

    Attributes:
        latency: seconds before the answer (or before the fault that takes its place).
        status: the statuses of the first answers, then 200. Each is 200 or an error from 400 to 599.
        retry_after: seconds, sent as `Retry-After` and `retry-after-ms` with each planned error.
        keepalive_expiry: seconds after which the server closes an idle connection; None: never.
        reset: how many requests get a TCP RST instead of an answer.
        half_close: after how many of the first answers the server ends its sending side (close_notify and FIN) but
            leaves the connection, for 30 seconds or until the client sends something, which is then lost.
        slow_body: seconds between two chunks of a body; a body that is not a stream is then sent in four.
        cut_stream_after: how many chunks of a stream are sent before the connection is closed; None: all, and the end.

    Raises:
        ValueError: a number is negative or not finite, or a status is neither 200 nor an error.
    """

    latency: float = 0.0
    status: tuple[int, ...] = ()
    retry_after: float = 0.0
    keepalive_expiry: float | None = None
    reset: int = 0
    half_close: int = 0
    slow_body: float = 0.0
    cut_stream_after: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a number from 0 up, not {value}")
        for status in self.status:
            if status != 200 and not 400 <= status <= 599:
                raise ValueError(f"status must be 200 or from 400 to 599, not {status}")

    def resets(self, number: int) -> bool:
        """Whether request `number` (from 0) gets a RST."""
        return number < self.reset

    def status_of(self, number: int) -> int:
        """The status that request `number` (from 0) is answered with."""
        answered = number - self.reset
        return self.status[answered] if 0 <= answered < len(self.status) else 200

    def half_closes(self, number: int) -> bool:
        """Whether the sending side is shut down after the answer to request `number` (from 0)."""
        return 0 <= number - self.reset < self.half_close

    def retry_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What tells a client when to come back: whole seconds (RFC 9110, rounded up), and what OpenAI adds to them."""
        return (
            (b"retry-after", b"%d" % math.ceil(self.retry_after)),
            (b"retry-after-ms", b"%d" % math.ceil(self.retry_after * 1000)),
        )


NO_FAULTS = Faults()
