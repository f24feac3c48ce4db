"""What the sanitizer says: findings, in the form that `diagnostics run --json` writes."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.model.field_types import Code, File, Text, Word

FINDINGS_SCHEMA = "diagnostics.findings/1"


@dataclass(frozen=True)
class Site:
    """A line of code; `code` is empty where the source cannot be read."""

    file: File
    line: int
    function: Word
    code: Code


@dataclass(frozen=True)
class ClientFacts:
    """The client a finding is about.

    Attributes:
        id: `C1`, `C2`, … within one report.
        created_at: the innermost line outside the standard library and site-packages.
        stack: every frame of the creation, innermost first.
        calls: calls made with it; `requests` is what went out for them.
    """

    id: Word
    type: Word
    created_at: Site | None
    stack: tuple[Site, ...]
    calls: int = 0
    requests: int = 0


@dataclass(frozen=True)
class LoopFacts:
    """The loop a finding is about; `closed_by` is `asyncio.run`, `asyncio.Runner`, `user`, `gc` or a library's name."""

    id: Word
    kind: Word
    created_at: Site | None
    created_by: Word | None
    closed_at: Site | None
    closed_by: Word | None


@dataclass(frozen=True)
class ConnectionFacts:
    """The connection a finding is about."""

    id: Word
    peer: Text
    opened_at: Site | None


@dataclass(frozen=True)
class Access:
    """What happened to it, where, by code of which loop, and what set that off."""

    loop: Word | None
    site: Site | None
    operation: Word
    trigger: Word
    stack: tuple[Site, ...]


@dataclass(frozen=True)
class Fault:
    """Whose code is to change: `user`, or the name of a distribution."""

    component: Word
    site: Site | None
    why: Text


@dataclass(frozen=True)
class Hint:
    """A fix by the name it has in the matrix, where it has one, and what to do in a sentence."""

    fix: Word | None
    text: Text


@dataclass(frozen=True)
class Finding:
    """One thing the sanitizer saw, as often as `count` says."""

    kind: Word
    severity: Word
    count: int
    message: Text
    client: ClientFacts | None
    loop: LoopFacts | None
    connection: ConnectionFacts | None
    access: Access | None
    fault: Fault
    hint: Hint
