"""The worker's connection to the host: one JSON object per line."""

from __future__ import annotations

import json
import os
from typing import Any


class Wire:
    """Lines to and from the host, on descriptors that nothing else writes to."""

    def __init__(self) -> None:
        self.input = os.dup(0)
        self._output = os.dup(1)
        # What an SDK prints on import goes to standard error, not between the answers.
        os.dup2(2, 1)
        self.descriptors = (self.input, self._output)
        self._buffer = b""

    def send(self, answer: dict[str, Any]) -> None:
        """Writes one answer."""
        os.write(self._output, json.dumps(answer).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """The requests completed by one read, or `None` at the end of input."""
        data = os.read(self.input, 65536)
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]
