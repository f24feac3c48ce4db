"""What may leave this machine, and how: the floor below the lab and the reports, and above the records.

    redact(text, secrets)          a text without what identifies a person or opens a door
    taken(before, after)           what was taken out of it, by kind
    ways.leave(record, table, …)   the fields of a record that may leave, each in the way its table says
    files.write(path, content, …)  the one way into a run folder

Two layers. The tables of `tables.py` list the fields that may leave; a field that is in no table stays here. Free text
among them goes through the patterns of `text.py`. Nothing here asks the network.
"""

from __future__ import annotations

from diagnostics.redaction.kinds import KINDS, taken
from diagnostics.redaction.secrets import Secrets
from diagnostics.redaction.text import bounded, redact

__all__ = ["KINDS", "Secrets", "bounded", "redact", "taken"]
