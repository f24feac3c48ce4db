"""What the sanitizer says: findings, in the form that `diagnostics run --json` writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FINDINGS_SCHEMA = "diagnostics.findings/1"


@dataclass(frozen=True)
class Site:
    """A line of code; `code` is empty where the source cannot be read."""

    file: str
    line: int
    function: str
    code: str


@dataclass(frozen=True)
class ClientFacts:
    """The client a finding is about.

    Attributes:
        id: `C1`, `C2`, … within one report.
        created_at: the innermost line outside the standard library and site-packages.
        stack: every frame of the creation, innermost first.
        calls: calls made with it; `requests` is what went out for them.
    """

    id: str
    type: str
    created_at: Site | None
    stack: tuple[Site, ...]
    calls: int = 0
    requests: int = 0


@dataclass(frozen=True)
class LoopFacts:
    """The loop a finding is about; `closed_by` is `asyncio.run`, `asyncio.Runner`, `user`, `gc` or a library's name."""

    id: str
    kind: str
    created_at: Site | None
    created_by: str | None
    closed_at: Site | None
    closed_by: str | None


@dataclass(frozen=True)
class ConnectionFacts:
    """The connection a finding is about."""

    id: str
    peer: str
    opened_at: Site | None


@dataclass(frozen=True)
class Access:
    """What happened to it, where, by code of which loop, and what set that off."""

    loop: str | None
    site: Site | None
    operation: str
    trigger: str
    stack: tuple[Site, ...]


@dataclass(frozen=True)
class Fault:
    """Whose code is to change: `user`, or the name of a distribution."""

    component: str
    site: Site | None
    why: str


@dataclass(frozen=True)
class Hint:
    """A fix by the name it has in the matrix, where it has one, and what to do in a sentence."""

    fix: str | None
    text: str


@dataclass(frozen=True)
class Finding:
    """One thing the sanitizer saw, as often as `count` says."""

    kind: str
    severity: str
    count: int
    message: str
    client: ClientFacts | None
    loop: LoopFacts | None
    connection: ConnectionFacts | None
    access: Access | None
    fault: Fault
    hint: Hint

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
