"""Takes what identifies a person or opens a door out of any text that a run produced.

A pure function of the text and of what there is to hide; it rather removes too much. Promised: redacting twice changes
nothing more; a text without secrets comes back as it was; time grows with the length of the text and nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

from diagnostics.redaction.detect_secrets import second_opinion
from diagnostics.redaction.encoded import DEPTH, decode
from diagnostics.redaction.kinds import KINDS
from diagnostics.redaction.line_wraps import mend, wrapped_addresses, wrapped_keys, wrapped_names
from diagnostics.redaction.matching import known_forms, sweep
from diagnostics.redaction.secrets import Secrets

PASSES = 6
"""What a replacement leaves may show a secret that hung on to its front. A word that needs more of them goes whole."""

LONGEST = 64 * 1024
"""Characters of one text of a run that are looked at; `bounded` leaves out the middle of a longer one."""

_WORD = re.compile(r"\S+")


@lru_cache(maxsize=4096)  # thousands of trials say the same few things
def redact(text: str, secrets: Secrets) -> str:
    """The text with placeholders where a secret was: see `KINDS`."""
    return _redact(text, secrets, DEPTH)


def _redact(text: str, secrets: Secrets, depth: int) -> str:
    for _ in range(PASSES):
        clean = _once(text, secrets, depth)
        if clean == text:
            return text
        text = clean
    # Nothing that a program prints comes here, but a text made to come here must not cost a pass for each of its words.
    harsh = _WORD.sub(
        lambda match: match.group() if _once(match.group(), secrets, 0) == match.group() else KINDS["key"], text
    )
    return _once(harsh, secrets, 0)


def _once(text: str, secrets: Secrets, depth: int) -> str:
    for value in _values(secrets):  # first: a form may be a part of a value, and would leave the rest of it
        text = value.sub(KINDS["key"], text)
    # What is whole only over a line break goes before what is a part of it.
    text = mend(text, wrapped_keys())
    text = mend(text, wrapped_names(secrets))
    text = sweep(text, secrets)
    text = mend(text, wrapped_addresses())
    if depth > 0:
        text = decode(text, partial(_redact, secrets=secrets, depth=depth - 1))
    return second_opinion(text)


@lru_cache(maxsize=16)
def _values(secrets: Secrets) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(form.pattern) for form in known_forms(secrets) if form.kind == "key")


def bounded(text: str, limit: int = LONGEST) -> str:
    """The two ends of a text that is too long to look through; before it is redacted, and cut shorter after it."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
