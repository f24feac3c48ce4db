"""The types of record fields: each says what a field holds and in which form it may leave the machine.

`redaction.records` applies the rule. A field of plain `str` has no rule and is a `TypeError` there, so that nothing
leaves without a decision. Numbers, booleans and `None` identify no person and need no rule.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final


class Rule(Enum):
    """How a text may leave the machine; `redaction.field_rules` has one function for each."""

    WORD = "word"
    TEXT = "text"
    CODE = "code"
    FILE = "file"
    VERSION = "version"
    TIME = "time"
    DIGEST = "digest"


SIGNED: Final = "signed"
"""Marks a number that may be negative; every other one is a count, a size or a time."""

Word = Annotated[str, Rule.WORD]
"""A word of this project: a status, a scenario, a fix, the name of an environment."""

Text = Annotated[str, Rule.TEXT]
"""Free text: secrets and names are removed."""

Code = Annotated[str, Rule.CODE]
"""A line of the user's program: free text in which string literals that read like prose are removed too."""

File = Annotated[str, Rule.FILE]
"""The path of a file: only the part below site-packages, or the last folder and the name."""

Version = Annotated[str, Rule.VERSION]
"""A version without its local part."""

Time = Annotated[str, Rule.TIME]
"""A moment in UTC, in ISO 8601."""

Digest = Annotated[str, Rule.DIGEST]
"""The key of a trial: 16 hexadecimal digits."""

Json = Annotated[Any, Rule.TEXT]
"""Any JSON value; each text in it is free text."""

Signed = Annotated[int, SIGNED]
"""A number that may be negative, such as an exit status."""
