"""Text of a program as a terminal or a page may show it: without control characters and marks of direction."""

from __future__ import annotations

import codecs
import sys
from typing import Final

_HIDDEN: Final = {
    code: "\ufffd"
    for codes in ((0, 9), (11, 13), (14, 32), (127, 160), (0x200E, 0x2010), (0x202A, 0x202F), (0x2066, 0x206A))
    for code in range(*codes)
} | {0x061C: "\ufffd"}


def visible(text: str) -> str:
    """The text with U+FFFD for each control character but tabs and line ends, and for each mark of direction."""
    return text.translate(_HIDDEN)


_PLAIN: Final = {**dict(zip("·–—×“”’✓✕◐", '---x""\'+x~', strict=True)), "…": "...", "→": "->"}


def use_any_console() -> None:
    """Lets standard output and standard error replace what their encoding lacks, such as `·` in ASCII."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a test or an embedding program may have replaced it
        if reconfigure is not None:
            reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    # The long escape, because JSON has no `\x`.
    plain = (_PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in lost)
    return "".join(each.replace("\\x", "\\u00") for each in plain), error.end
