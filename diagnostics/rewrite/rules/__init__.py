"""One file and one row a rule: the mistakes that `check` finds in source code. It runs nothing that it reads."""

from __future__ import annotations

from typing import Final

from diagnostics.rewrite.rules import cached_client, run_in_library, shared_client
from diagnostics.rewrite.rules.records import CheckRule

RULES: Final[tuple[CheckRule, ...]] = (shared_client.RULE, cached_client.RULE, run_in_library.RULE)
"""In the order of their codes, which stay what they are."""
