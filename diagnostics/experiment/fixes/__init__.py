"""The table of fixes: one file a fix, one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.fixes import (
    aiohttp_transport,
    background_loop,
    client_per_loop,
    context_manager,
    explicit_close,
    global_loop,
    instance_loop,
    loop_id_cache,
    never_close,
    no_keepalive,
    none,
    runner,
    single_run,
    sync_client,
    weak_key_cache,
)

FIXES: Final[dict[str, type[Fix]]] = {
    module.FIX.name: module.FIX
    for module in (
        none,
        instance_loop,
        global_loop,
        never_close,
        runner,
        background_loop,
        single_run,
        context_manager,
        explicit_close,
        client_per_loop,
        no_keepalive,
        sync_client,
        aiohttp_transport,
        weak_key_cache,
        loop_id_cache,
    )
}
