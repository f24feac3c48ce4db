"""Removes secrets and names from whatever leaves this machine.

    redact(text, secrets)                     a text with placeholders where a secret was
    taken(before, after)                      what was removed, by kind
    records.redacted(record, secrets)         a record, each field by the rule of its type
    files.write_record(path, record, secrets) the way into a run folder

There are two layers. The field types of `model.field_types` say in which form a field may leave; a field without one is
an error. Free text goes through the patterns of `text`. Nothing here uses the network.
"""

from __future__ import annotations

from diagnostics.model.placeholders import KINDS, taken
from diagnostics.redaction.secrets import Secrets
from diagnostics.redaction.text import bounded, redact

__all__ = ["KINDS", "Secrets", "bounded", "redact", "taken"]
