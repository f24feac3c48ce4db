"""One file and one row a rule: the mistakes that `check` finds in source code. It runs nothing that it reads."""

from __future__ import annotations

from typing import Final

from diagnostics.rewrite.rules import (
    abandoned_stream,
    cached_client,
    client_before_fork,
    client_in_thread,
    close_skipped,
    loop_id_key,
    matched_message,
    run_in_library,
    shared_client,
    task_in_del,
    task_left_pending,
    unclosed_client,
    unclosed_loop,
    weak_client_cache,
)
from diagnostics.rewrite.rules.records import CheckRule

RULES: Final[tuple[CheckRule, ...]] = (
    shared_client.RULE,
    unclosed_client.RULE,
    loop_id_key.RULE,
    weak_client_cache.RULE,
    task_in_del.RULE,
    cached_client.RULE,
    run_in_library.RULE,
    matched_message.RULE,
    abandoned_stream.RULE,
    client_in_thread.RULE,
    client_before_fork.RULE,
    close_skipped.RULE,
    unclosed_loop.RULE,
    task_left_pending.RULE,
)
"""In the order of their codes, which stay what they are."""
