"""The worker's end of the wire to the host: JSON objects, one a line."""

from __future__ import annotations

import json
import os
from typing import Any


class Wire:
    """Lines from and to the host, on descriptors that nothing else can print to."""

    def __init__(self) -> None:
        self.input = os.dup(0)
        self._output = os.dup(1)
        # Whatever an SDK prints while it is imported goes where errors go, not between the answers.
        os.dup2(2, 1)
        self.descriptors = (self.input, self._output)
        self._buffer = b""

    def send(self, answer: dict[str, Any]) -> None:
        """Writes one answer."""
        os.write(self._output, json.dumps(answer).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """The requests that one read completed, or `None` at the end of input."""
        data = os.read(self.input, 65536)
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]
