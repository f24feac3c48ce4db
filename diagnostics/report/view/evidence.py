"""Evidence as people read it. Pure."""

from __future__ import annotations

import re

# Where an environment lies says nothing; what lies in it does.
_LIBRARIES = re.compile(r"[^\s\"'=<>]*/(?=(?:site-packages|lib/python3\.\d+)/)")


def without_folders(evidence: str) -> str:
    """Evidence in which a library's file begins at `site-packages` or `lib/python3.x`."""
    return _LIBRARIES.sub("", evidence)
