"""Redacts records: the type of each field says in which form its value may leave the machine.

    redacted(record, secrets)    the same record without what may not leave

The rules are in `model.field_types`. A text field without one is a `TypeError`: nothing leaves without a decision.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from diagnostics.model.field_types import Rule
from diagnostics.redaction.field_rules import RULES, Clean, words
from diagnostics.redaction.secrets import Secrets
from diagnostics.redaction.text import bounded, redact

_T = TypeVar("_T")
_Redact = Callable[[Any, Clean, dict[int, Any]], Any]
_NEEDS_NO_RULE: Final = (int, float, bool, type(None))


def redacted(record: _T, secrets: Secrets) -> _T:
    """The record with secrets and names removed from every field, as its rule says."""
    return redacted_by(record, lambda text: redact(bounded(text), secrets))


def redacted_by(record: _T, clean: Clean) -> _T:
    """The same with another function that removes secrets from a text."""
    kind: Any = type(record)
    found: _T = _class_rule(kind)(record, clean, {})
    return found


@cache
def _class_rule(kind: type[Any]) -> _Redact:
    hints = get_type_hints(kind, include_extras=True)
    rules = {field.name: _rule(hints[field.name], f"{kind.__name__}.{field.name}") for field in fields(kind)}

    def apply(record: Any, clean: Clean, done: dict[int, Any]) -> Any:
        if id(record) in done:  # thousands of trials share a few dozen environments and loads
            return done[id(record)]
        changes = {}
        for name, rule in rules.items():
            before = getattr(record, name)
            after = before if rule is None else rule(before, clean, done)
            if after is not before and after != before:
                changes[name] = after
        done[id(record)] = replace(record, **changes) if changes else record
        return done[id(record)]

    return apply


def _rule(hint: Any, where: str) -> _Redact | None:
    """What is done to a value of this type; `None` where there is nothing to do."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rule = next((part for part in parts if isinstance(part, Rule)), None)
        return _rule(parts[0], where) if rule is None else _text(rule)
    if origin in (Union, types.UnionType):
        return _optional([_rule(part, where) for part in parts if part is not type(None)])
    if origin is tuple:
        each = _rule(parts[0], where)
        return (
            None
            if each is None
            else (lambda value, clean, done: words(value, [each(item, clean, done) for item in value], clean))
        )
    if origin in (dict, Mapping):
        return _mapping(_rule(parts[0], where), _rule(parts[1], where))
    if is_dataclass(hint) and isinstance(hint, type):
        return _class_rule(hint)
    if hint in _NEEDS_NO_RULE:
        return None
    raise TypeError(f"{where} does not say how it may leave the machine: use a type of model.field_types")


def _text(rule: Rule) -> _Redact:
    function = RULES[rule]
    return lambda value, clean, *_: function(value, clean)


def _optional(rules: list[_Redact | None]) -> _Redact | None:
    (rule,) = rules
    return None if rule is None else lambda value, clean, done: None if value is None else rule(value, clean, done)


def _mapping(names: _Redact | None, values: _Redact | None) -> _Redact:
    def apply(value: Any, clean: Clean, done: dict[int, Any]) -> Any:
        return {
            (name if names is None else names(name, clean, done)): (
                item if values is None else values(item, clean, done)
            )
            for name, item in value.items()
        }

    return apply
