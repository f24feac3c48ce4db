"""Which test of a suite a finding comes from, by what the pytest plugin has added to the facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from diagnostics.model.finding import InTest


def in_test(details: Iterable[Mapping[str, Any]]) -> InTest | None:
    """Returns the tests that are to blame and that are hurt, from the details of facts; `None` outside of pytest."""
    found = []
    for each in details:
        if "blamed" in each:
            nodeid, phase, fixture, scope, thread = json.loads(each["blamed"])
            hurt = (each["hurt"],) if "hurt" in each else ()
            found.append(InTest(nodeid, phase, fixture or None, scope or None, thread or None, hurt=hurt))
    return joined(found)


def joined(found: Iterable[InTest | None]) -> InTest | None:
    """Returns several as one: the first, with the others and everything that they hurt."""
    known = [each for each in found if each is not None]
    if not known:
        return None
    nodeids = dict.fromkeys(name for each in known for name in (each.nodeid, *each.others) if name)
    first = next((each for each in known if each.nodeid), known[0])
    hurt = dict.fromkeys(name for each in known for name in each.hurt)
    return replace(
        first,
        others=tuple(name for name in nodeids if name != first.nodeid),
        hurt=tuple(name for name in hurt if name not in nodeids),
    )


def described(test: InTest) -> str:
    """Returns what a report says of the test at fault."""
    if test.thread:
        return f"unknown: in thread `{test.thread}`, which an earlier test started"
    if test.phase == "import":
        return f"at import of {test.nodeid}"
    fixture = f"in fixture `{test.fixture}` ({test.scope} scope)" if test.fixture else ""
    if not test.nodeid:
        return fixture or "unknown"
    if test.fixture and test.scope != "function":
        return f"{fixture}, set up for {test.nodeid}"
    where = f", {fixture}" if fixture else "" if test.phase == "call" else f", {test.phase}"
    return f"{test.nodeid}{where}{_more(test.others)}"


def _more(others: tuple[str, ...]) -> str:
    if not others:
        return ""
    return f", and {others[0]}" if len(others) == 1 else f", and {len(others)} other tests"
