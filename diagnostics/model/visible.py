"""Text of a program as a terminal or a page may show it: without control characters and marks of direction."""

from __future__ import annotations

from typing import Final

_HIDDEN: Final = {
    code: "\ufffd"
    for codes in ((0, 9), (11, 13), (14, 32), (127, 160), (0x200E, 0x2010), (0x202A, 0x202F), (0x2066, 0x206A))
    for code in range(*codes)
} | {0x061C: "\ufffd"}


def visible(text: str) -> str:
    """The text with U+FFFD for each control character but tabs and line ends, and for each mark of direction."""
    return text.translate(_HIDDEN)
