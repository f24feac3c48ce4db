"""JSON for the records: one encoder and one decoder for every frozen dataclass, driven by its type hints.

    encode(record)         a dict of plain JSON values
    parse(text)            the values of a JSON text, or `RecordError`
    decode(Class, data)    the record; `RecordError` names the field that is missing or wrong

A class with a `SCHEMA` writes it first and accepts no other. `DERIVED` names properties that are written for readers of
the JSON and ignored on the way back. Fields that the class does not have are ignored, so a later version may add some.
"""

from __future__ import annotations

import json
import math
import reprlib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from diagnostics.model.field_types import SIGNED

INLINE: Final[Mapping[str, Any]] = types.MappingProxyType({"inline": True})
"""Metadata of a field whose own fields are written beside those of the record."""

NAMED: Final[Mapping[str, Any]] = types.MappingProxyType({"named": True})
"""Metadata of a field of which only the name is written; the object itself is written elsewhere, once."""

LOCAL: Final[Mapping[str, Any]] = types.MappingProxyType({"local": True})
"""Metadata of a field that is not written; it has a default."""

IN_FULL: Final[Mapping[str, Any]] = types.MappingProxyType({"in_full": True})
"""Metadata of a field that is written in full even in a compact record: its defaults may differ in a later version."""

DEEPEST: Final = 100
"""Lists and objects within each other. No record has more than ten."""

_LARGEST: Final = 2**63
"""Integers in a text are below it, so that other readers of the JSON can hold them."""

_T = TypeVar("_T")
_Decoder = Callable[[Any, str, Mapping[str, Any]], Any]
_NOTHING: Final[Mapping[str, Any]] = types.MappingProxyType({})


class RecordError(ValueError):
    """A record that does not have the form it claims; the message is one line and names the field."""


def parse(text: str | bytes) -> Any:
    """Reads JSON that somebody else may have written.

    Raises:
        RecordError: it is not JSON, is nested too deeply, or has a number that is not finite or is too large.
    """
    try:
        data = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_float)
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(f"not JSON ({error})") from None
    except RecursionError:
        raise RecordError(_TOO_DEEP) from None
    check_depth(data)
    return data


_TOO_DEEP: Final = f"more than {DEEPEST} lists and objects within each other"


def check_depth(data: Any) -> None:
    """Raises `RecordError` where a value is nested too deeply for a function that calls itself."""
    level = [data]
    for _ in range(DEEPEST):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise RecordError(_TOO_DEEP)


def _integer(text: str) -> int:
    number = int(text) if len(text) < 20 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise RecordError(f"{text[:30]}: an integer of more than 64 bits")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise RecordError(f"{text[:30]}: not a finite number")
    return number


def encode(record: Any, *, compact: bool = False) -> dict[str, Any]:
    """A record as a dict that `json.dumps` can write.

    Args:
        compact: leave out fields that have their default.
    """
    kind = type(record)
    schema = getattr(kind, "SCHEMA", None)
    data: dict[str, Any] = {} if schema is None else {"schema": schema}
    for field in fields(record):
        value = getattr(record, field.name)
        if "local" in field.metadata:
            continue
        shorter = compact and "in_full" not in field.metadata
        if shorter and _is_default(field, value):
            continue
        if "inline" in field.metadata:
            data.update(encode(value, compact=compact))
        elif "named" in field.metadata:
            data[field.name] = value.name
        else:
            data[field.name] = _plain(value, shorter)
    data.update((name, _plain(getattr(record, name), compact)) for name in getattr(kind, "DERIVED", ()))
    return data


def _plain(value: Any, compact: bool) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(each, compact) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each, compact) for name, each in value.items()}
    return encode(value, compact=compact)


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)


def decode(kind: type[_T], data: Any, named: Mapping[str, Any] = _NOTHING) -> _T:
    """Reads what `encode` wrote.

    Args:
        named: the objects that `NAMED` fields refer to, by name.

    Raises:
        RecordError: the schema is another one, or a field is missing or wrong.
    """
    return cast("_T", _decoder(cast("Any", kind))(data, "", named))


@cache
def _decoder(hint: Any) -> _Decoder:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _number(parts[0], signed=True) if SIGNED in parts else _decoder(parts[0])
    if origin in (Union, types.UnionType):
        (other,) = (part for part in parts if part is not type(None))
        return _optional(_decoder(other))
    if origin is tuple:
        each = [_decoder(part) for part in parts if part is not Ellipsis]
        return _items(each[0]) if Ellipsis in parts else _row(each)
    if origin is not None:  # dict or Mapping
        return _object(_decoder(parts[1]))
    if hint is Any:
        return lambda data, *_: data
    if hint is str:
        return _string
    if hint is bool:
        return _boolean
    if hint in (int, float):
        return _number(hint)
    if hint is type(None):
        return _nothing
    if is_dataclass(hint):
        return _record(cast("type[Any]", hint))
    raise TypeError(f"{hint!r} cannot be read from JSON")


def _wrong(where: str, expected: str, data: Any) -> RecordError:
    shown = _shown(data)
    return RecordError(f"{where or 'the record'}: expected {expected}, not {shown[:60]}{'…' if shown[60:] else ''}")


def _shown(data: Any) -> str:
    """The beginning of a value, without a look at all of it."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return short.repr(data)


def _string(data: Any, where: str, _named: Mapping[str, Any]) -> Any:
    if type(data) is not str:
        raise _wrong(where, "a string", data)
    return data


def _nothing(data: Any, where: str, _named: Mapping[str, Any]) -> Any:
    if data is not None:
        raise _wrong(where, "null", data)


def _boolean(data: Any, where: str, _named: Mapping[str, Any]) -> Any:
    if type(data) is not bool:
        raise _wrong(where, "true or false", data)
    return data


def _number(kind: type, *, signed: bool = False) -> _Decoder:
    allowed, name = ((int,), "an integer") if kind is int else ((int, float), "a number")
    expected = name if signed else f"{name} of at least 0"

    def number(data: Any, where: str, _named: Mapping[str, Any]) -> Any:
        if type(data) not in allowed or not _is_finite(data) or (data < 0 and not signed):
            raise _wrong(where, expected, data)
        return data

    return number


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float can hold
        return False


def _optional(other: _Decoder) -> _Decoder:
    return lambda data, where, named: None if data is None else other(data, where, named)


def _items(each: _Decoder) -> _Decoder:
    def items(data: Any, where: str, named: Mapping[str, Any]) -> Any:
        if not isinstance(data, (list, tuple)):
            raise _wrong(where, "a list", data)
        return tuple(each(item, f"{where}[{number}]", named) for number, item in enumerate(data))

    return items


def _row(each: list[_Decoder]) -> _Decoder:
    def row(data: Any, where: str, named: Mapping[str, Any]) -> Any:
        if not isinstance(data, (list, tuple)) or len(data) != len(each):
            raise _wrong(where, f"a list of {len(each)}", data)
        return tuple(
            decoder(item, f"{where}[{number}]", named)
            for number, (decoder, item) in enumerate(zip(each, data))  # noqa: B905 - same length: checked above
        )

    return row


def _object(value: _Decoder) -> _Decoder:
    def read_object(data: Any, where: str, named: Mapping[str, Any]) -> Any:
        if not isinstance(data, Mapping):
            raise _wrong(where, "an object", data)
        return {_string(name, where, named): value(item, f"{where}.{name}", named) for name, item in data.items()}

    return read_object


def _record(kind: type[Any]) -> _Decoder:
    hints = get_type_hints(kind, include_extras=True)
    schema = getattr(kind, "SCHEMA", None)
    every = [field for field in fields(kind) if "local" not in field.metadata]
    required = {field.name for field in every if field.default is MISSING and field.default_factory is MISSING}
    named_fields = {field.name for field in every if "named" in field.metadata}
    inline = {field.name: _record(hints[field.name]) for field in every if "inline" in field.metadata}
    plain = {
        field.name: _decoder(hints[field.name])
        for field in every
        if field.name not in named_fields and field.name not in inline
    }

    def record(data: Any, where: str, named: Mapping[str, Any]) -> Any:
        if not isinstance(data, Mapping):
            raise _wrong(where, "an object", data)
        if schema is not None and data.get("schema") != schema:
            raise RecordError(
                f"{where or 'the record'}: expected schema {schema}, not {reprlib.repr(data.get('schema'))}"
            )
        prefix = f"{where}." if where else ""
        found = {name: read(data, where, named) for name, read in inline.items()}
        for name, read in plain.items():
            if name in data:
                found[name] = read(data[name], prefix + name, named)
            elif name in required:
                raise RecordError(f"{prefix}{name} is missing")
        for name in named_fields:
            value = _string(data.get(name), prefix + name, named)
            if value not in named:
                raise RecordError(f"{prefix}{name}: {_shown(value)} is not known")
            found[name] = named[value]
        try:
            return kind(**found)
        except RecordError:
            raise
        except ValueError as error:  # what the class itself checks
            raise RecordError(f"{where or 'the record'}: {error}") from error

    return record
