"""`no-keepalive`: the client keeps no connections, where its library has an option for that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import libcst as cst

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite

SUMMARY: Final = "keep the client for all runs, and no connections: each use opens one and closes it"

_OPTION: Final = re.compile(r"\((?:.*, )?(\w+)=(\w+)\)$")


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change that the advice writes as an import and an option of the constructor."""
    for code in context.codes:
        imported, _, made = code.partition("\n")
        option = _OPTION.search(made)
        if option is None or not imported.endswith(f" import {option[2]}"):
            continue
        changes = Rewrite(context.program)
        for place in context.creations:
            call = _constructor(place)
            if not any(each.keyword and each.keyword.value == option[1] for each in call.args):
                changes.change(place.module, call, partial(_with_option, *option.groups()))
                changes.import_(place.module, imported)
        if changes:
            yield changes


def _constructor(place: Creation) -> cst.Call:
    """Returns the call that makes the object of whose method this call is one; otherwise this call."""
    func = place.call.func
    owner = func.value if isinstance(func, cst.Attribute) else None
    made = _assigned(place.module, owner.value) if isinstance(owner, cst.Name) else None
    return place.call if made is None else made


def _assigned(module: ParsedFile, name: str) -> cst.Call | None:
    for node in module.nodes:
        if not isinstance(node, cst.Assign) or module.function(node) is not None:
            continue
        if isinstance(node.value, cst.Call) and [module.text(each.target) for each in node.targets] == [name]:
            return node.value
    return None


def _with_option(name: str, value: str, call: Any) -> cst.Call:
    """Adds a keyword argument after the last one, on a line of its own where the others are."""
    new = cst.Arg(cst.Name(value), keyword=cst.Name(name), equal=cst.AssignEqual(_NONE, _NONE))
    if not call.args:
        return call.with_changes(args=[new])  # type: ignore[no-any-return]
    *others, last = call.args
    new = new.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
    is_long = isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace)
    between = call.whitespace_before_args if is_long else cst.SimpleWhitespace(" ")
    last = last.with_changes(comma=cst.Comma(whitespace_after=between), whitespace_after_arg=_NONE)
    return call.with_changes(args=[*others, last, new])  # type: ignore[no-any-return]


_NONE: Final = cst.SimpleWhitespace("")
