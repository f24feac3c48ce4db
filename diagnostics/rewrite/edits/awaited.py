"""`await-close`: a call that closes is awaited; without `await` it makes a coroutine that nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import Rewrite
from diagnostics.rewrite.records import CLOSERS

SUMMARY: Final = "await the call that closes it"

_CLOSING: Final = m.Call(func=m.Attribute(attr=m.OneOf(*map(m.Name, CLOSERS))), args=[])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for each call in a coroutine function that closes something and is not awaited."""
    for module in context.program.modules():
        for node in module.nodes:
            if m.matches(node, m.Expr(value=_CLOSING)) and isinstance(node, cst.Expr):
                function = module.function(node)
                if function is not None and function.asynchronous is not None:
                    changes = Rewrite(context.program)
                    changes.replace(module, node.value, f"await {module.text(node.value)}")
                    yield changes
