"""The redaction that every trial, error and reason passes through before it leaves the machine it comes from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from diagnostics.redaction import Secrets, redact

Redact = Callable[[str], str]
"""Takes secrets and the names of a machine out of a text."""


def redactor(cache: Path, *, content: bool = False) -> Redact:
    """Returns the redaction of the machine that this is called on.

    Args:
        cache: the machine's cache folder, which is named in texts.
        content: whether prompts and answers may stay.
    """
    return partial(redact, secrets=Secrets.of_this_machine(folders={"cache": str(cache)}, content=content))
