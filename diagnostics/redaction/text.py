"""Removes from any text what identifies a person or grants access.

A pure function of the text and of the known secrets; in doubt it removes too much. Redacting twice changes nothing
more, a text without secrets is returned unchanged, and the time depends on the length of the text only.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

from diagnostics.model.disguised import without_disguised
from diagnostics.model.encoded import DEPTH, decode
from diagnostics.model.placeholders import KINDS
from diagnostics.redaction.detect_secrets import without_detected_keys
from diagnostics.redaction.line_wraps import mend, wrapped_addresses, wrapped_keys, wrapped_names
from diagnostics.redaction.matching import known_forms, sweep
from diagnostics.redaction.secrets import Secrets

PASSES = 6
"""Passes over a text: a replacement may uncover a secret beside it. A word that needs more passes is removed whole."""

LONGEST = 64 * 1024
"""Characters of one text that are searched; `bounded` leaves out the middle of a longer one."""

_WORD = re.compile(r"\S+")


@lru_cache(maxsize=4096)  # thousands of trials repeat the same few texts
def redact(text: str, secrets: Secrets) -> str:
    """The text with a placeholder of `KINDS` for each secret."""
    return _redact(text, secrets, DEPTH)


@lru_cache(maxsize=4096)  # nor are there many different words
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
    return without_detected_keys(without_disguised(text, _disguisable(secrets)))


@lru_cache(maxsize=16)
def _values(secrets: Secrets) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(form.pattern) for form in known_forms(secrets) if form.kind == "key")


@lru_cache(maxsize=16)
def _disguisable(secrets: Secrets) -> tuple[tuple[str, str], ...]:
    given = {text.lower(): text for text, _ in (*secrets.known, (secrets.home, "home"))}
    forms = [form for form in known_forms(secrets) if form.kind in ("key", "home")]
    return tuple((given.get(form.needs[0], form.needs[0]), form.kind) for form in forms)


def bounded(text: str, limit: int = LONGEST) -> str:
    """The two ends of a text that is too long. Bound a text before it is redacted; shorten it only afterwards."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
