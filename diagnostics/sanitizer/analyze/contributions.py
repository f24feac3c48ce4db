"""What a library adds to a mistake of somebody else's code: true of the facts at hand, and worth a report upstream.

The code at fault is where the mistake can be fixed. That a library makes it worse is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from diagnostics.model.finding import Contribution
from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.capture.facts import ClientRecord, Fact

_DISTRIBUTIONS: Final = {row.module: row.distribution for row in LIBRARIES.values()}

FINALIZER: Final = "its `__del__` closes connections on whatever loop is running then"
RESENT: Final = "it sends a request again on its own after the loop of the first connection closed"
POOL: Final = "its pool gives out a connection whose loop is closed"


def contributions(facts: Iterable[Fact], at_fault: str) -> tuple[Contribution, ...]:
    """Returns what libraries other than the code at fault add to facts with one cause."""
    found: dict[tuple[str, str], None] = {}
    for fact in facts:
        if fact.client is None:
            continue
        if fact.kind == "cross-loop-close" and fact.trigger in ("gc", "__del__"):
            found[_distribution(fact.client.outermost), FINALIZER] = None
        elif fact.kind == "duplicate-request" and fact.detail.get("in_call"):
            found[_distribution(fact.client.outermost), RESENT] = None
        elif fact.operation == "connection.send" and fact.detail.get("owner_open") is False:
            found[_pool(fact.client), POOL] = None
    return tuple(Contribution(*each) for each in found if each[0] not in ("", at_fault))


def _distribution(client: ClientRecord) -> str:
    return _DISTRIBUTIONS.get(client.package, "")


def _pool(client: ClientRecord) -> str:
    """The pool below a client: that of its own HTTP library, which an SDK's client does not name."""
    stack = next((row.generation for row in LIBRARIES.values() if row.module == client.package and row.generation), "")
    return next((name for name, row in LIBRARIES.items() if row.role == "pool" and row.generation == stack), "")
