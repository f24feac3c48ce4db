"""One pass over a text: all patterns of `patterns`, all known names and values, and addresses.

`sweep` is a pure function and leaves placeholders unchanged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from diagnostics.model.placeholders import KINDS, PLACEHOLDER
from diagnostics.model.secret_forms import SHORTEST_SECRET
from diagnostics.redaction.patterns import ADDRESSES, CONTENT, E_MAIL, FORMS, Form
from diagnostics.redaction.secrets import NOBODY, Secrets

_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Addresses behind a carrier's translation: `ipaddress` calls them neither private nor public."""

_FAMILIES = {
    "content": "content",
    "key": "keys",
    "cookie": "keys",
    "credentials": "urls",
    "e-mail": "urls",
    "address": "addresses",
}
"""Kind to family; the others are names and folders."""


@dataclass(frozen=True)
class Sweeper:
    """Several patterns as one expression.

    Attributes:
        forms: the patterns by the name of their group.
        kept: by the same names, the numbers of the groups that are kept.
    """

    pattern: re.Pattern[str]
    forms: dict[str, Form]
    kept: dict[str, tuple[int, ...]]


def sweep(text: str, secrets: Secrets) -> str:
    """The text after one pass."""
    lower = text.lower()
    # What matches nowhere alone matches nowhere beside others, and few forms alone take less than all of them in one
    # expression. That is made of families, so that there are few to make.
    wanted = {_family(form) for form in all_forms(secrets) if form.is_in(text, lower)}
    if not wanted:
        return text
    sweeper = _sweeper(secrets, frozenset(wanted))

    def replace(match: re.Match[str]) -> str:
        # Every alternative is one named group, which closes last.
        name = match.lastgroup or ""
        form = sweeper.forms.get(name)
        if form is None or (form.kind == "address" and not _is_address(match.groupdict())):
            return match.group()
        front = next((kept for number in sweeper.kept[name] if (kept := match.group(number))), "")
        return f"{front}{KINDS[form.kind]}{form.after}"

    return sweeper.pattern.sub(replace, text)


@lru_cache(maxsize=16)
def all_forms(secrets: Secrets) -> tuple[Form, ...]:
    """Every pattern, in the order in which they are tried at one place."""
    known = known_forms(secrets)
    hosts = "|".join(form.pattern for form in known if form.kind == "host")
    e_mail = Form("e-mail", E_MAIL.format(not_at=f"(?!{hosts})" if hosts else ""), ("@",))
    return (*(() if secrets.content else CONTENT), *FORMS, e_mail, *known, *ADDRESSES)


def _family(form: Form) -> str:
    return _FAMILIES.get(form.kind, "names")


@lru_cache(maxsize=256)
def _sweeper(secrets: Secrets, wanted: frozenset[str]) -> Sweeper:
    every = [form for form in all_forms(secrets) if _family(form) in wanted]
    forms = {f"form{number}": form for number, form in enumerate(every)}
    parts = [f"(?P<{name}>{form.pattern})" for name, form in forms.items()]
    pattern = re.compile("|".join([f"(?P<done>{PLACEHOLDER})", *parts]))
    named = set(pattern.groupindex.values())
    starts = [pattern.groupindex[name] for name in forms]
    kept = {
        name: tuple(number for number in range(start + 1, end) if number not in named)
        for name, start, end in zip(forms, starts, [*starts[1:], pattern.groups + 1], strict=True)
    }
    return Sweeper(pattern, forms, kept)


def _is_address(found: dict[str, str | None]) -> bool:
    """A public address without a port is kept: it looks like a version number of four parts."""
    if found.get("between"):
        return True
    text = found.get("v4") or found.get("v6b") or found.get("v6") or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    private = address in _SHARED or address.is_private or address.is_loopback or address.is_link_local
    has_port = bool(found.get("port4") or found.get("port6"))
    return has_port or (private and not address.is_unspecified)


def known_forms(secrets: Secrets, shortest: int = 2) -> list[Form]:
    """Known values as patterns: secrets anywhere, folders with what is below them, names as whole words."""
    # A value goes first: a name may be a part of it. Folders next, the longest first: one may be below another.
    rank = {"key": 0, "home": 1, "cache": 1, "tmp": 1, "here": 1, "host": 2, "user": 3}
    every = sorted(set(_known(secrets)), key=lambda pair: (rank[pair[1]], -len(pair[0]), pair))
    return [Form(kind, _literal(text, kind), (text.lower(),)) for text, kind in every if len(text) >= shortest]


def _known(secrets: Secrets) -> Iterator[tuple[str, str]]:
    for text, kind in ((secrets.home, "home"), (secrets.user, "user"), (secrets.host, "host"), *secrets.known):
        if kind == "key":
            if len(text) >= SHORTEST_SECRET:
                yield text, kind
        elif kind in ("user", "host"):
            words = {text, text.partition(".")[0]} if kind == "host" and not _is_number(text) else {text}
            yield from ((word, kind) for word in words if len(word) > 1 and word.lower() not in NOBODY)
        else:
            folder = text.rstrip("/\\")
            if len(folder) > 1 and folder != "/root" and ("/" in folder or "\\" in folder):
                # The form inside a repr, with doubled backslashes, is the same folder.
                yield from ((spelling, kind) for spelling in {folder, folder.replace("\\", "\\\\")})


def _is_number(host: str) -> bool:
    return host.replace(".", "").isdigit()


def _literal(text: str, kind: str) -> str:
    letters = re.escape(text)
    if kind == "key":
        return f"(?i:{letters})"
    if kind in ("user", "host"):
        return rf"(?i:(?<![A-Za-z0-9]){letters}(?![A-Za-z0-9]))"
    before = r"(?<![A-Za-z0-9_.~-])" if text.startswith("/") else ""
    return rf"(?i:{before}{letters}(?![A-Za-z0-9]))"
