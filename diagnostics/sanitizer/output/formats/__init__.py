"""The report of `run` for programs: one file a format, one row here.

Each function takes the document of `json_document`, without secrets, and returns a text that ends with a line feed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from diagnostics.sanitizer.output.formats import github, jsonl, sarif

FORMATS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "jsonl": jsonl.render,
    "github": github.render,
    "sarif": sarif.render,
}

LIVE: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {"jsonl": jsonl.causes, "github": github.render}
"""Those that `run --live` can print a root cause at a time."""
