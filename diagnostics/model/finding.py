"""What the sanitizer says: findings, in the form that `diagnostics run --json` writes."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.model.field_types import Code, File, Text, Word

FINDINGS_SCHEMA = "diagnostics.findings/2"


@dataclass(frozen=True)
class Site:
    """A line of code; `code` is empty where the source cannot be read.

    Attributes:
        column: of the call in that line, from 0, in characters; `None` where Python does not say (before 3.11).
        end_column: where the call ends; `None` where that is on another line.
    """

    file: File
    line: int
    function: Word
    code: Code
    column: int | None = None
    end_column: int | None = None


@dataclass(frozen=True)
class MarkedLine:
    """A line that a report shows, and what is to be seen there."""

    site: Site
    text: Text


@dataclass(frozen=True)
class HeldBy:
    """The variable of the program that keeps a client, and its assignment."""

    name: Code
    site: Site | None


@dataclass(frozen=True)
class ClientFacts:
    """The client a finding is about.

    Attributes:
        id: `C1`, `C2`, … within one report.
        created_at: the innermost line outside the standard library and site-packages.
        stack: every frame of the creation, innermost first.
        calls: calls made with it; `requests` is what went out for them.
        held_by: `None` where no variable was found.
        first_use: whether `created_at` is where it was first used; the object itself was made before.
        closer: how to close it: `async with`, or the calls to make, such as `await aclose()`; empty where it offers
            nothing.
        loops: how many loops the finding is about; of several clients alike, those of the one with the most.
    """

    id: Word
    type: Word
    created_at: Site | None
    stack: tuple[Site, ...]
    calls: int = 0
    requests: int = 0
    held_by: HeldBy | None = None
    first_use: bool = False
    closer: Word = ""
    loops: int = 0


@dataclass(frozen=True)
class LoopFacts:
    """A loop.

    Attributes:
        created_by: the mechanism and, if that is not the program, the package that used it: `asyncio.run`,
            `asyncio.run in mangum`, `pytest-asyncio, function scope`.
        closed_by: the same; `user` for a call of `close`, `gc` for the garbage collector.
    """

    id: Word
    kind: Word
    created_at: Site | None
    created_by: Word | None
    closed_at: Site | None
    closed_by: Word | None


@dataclass(frozen=True)
class ConnectionFacts:
    """The connection a finding is about.

    Attributes:
        stack: every frame of its opening, innermost first.
    """

    id: Word
    peer: Text
    opened_at: Site | None
    stack: tuple[Site, ...] = ()


@dataclass(frozen=True)
class Access:
    """What happened to it, where, by code of which loop, and what set that off.

    Attributes:
        loop: id of the loop whose code was running.
        owner_open: whether the loop that owns the connection was still open; `None` where nothing was accessed.
        running: the loop whose code was running.
    """

    loop: Word | None
    site: Site | None
    operation: Word
    trigger: Word
    stack: tuple[Site, ...]
    owner_open: bool | None = None
    running: LoopFacts | None = None


@dataclass(frozen=True)
class Contribution:
    """What a library adds to a mistake of the code at fault: something to report to its maintainers."""

    component: Word
    text: Text


@dataclass(frozen=True)
class Fault:
    """Whose code is to change: `user`, or the name of a distribution.

    Attributes:
        also: what libraries add to it.
    """

    component: Word
    site: Site | None
    why: Text
    also: tuple[Contribution, ...] = ()


@dataclass(frozen=True)
class Hint:
    """A fix by the name it has in the matrix, where it has one, and what to do in a sentence."""

    fix: Word | None
    text: Text


@dataclass(frozen=True)
class Advice:
    """One change that cures a root cause.

    Attributes:
        fix: as in `Hint`.
        text: what to do.
        code: lines to paste; empty where a sentence says it all.
        where: the line to change.
    """

    fix: Word | None
    text: Text
    code: Code
    where: Site | None


@dataclass(frozen=True)
class RootCause:
    """One mistake of a program, with all its findings.

    Attributes:
        kind: of the finding that says most.
        severity: of the worst.
        title: what is wrong, in a sentence.
        findings: their ids.
        advice: the change that fits this program best comes first.
    """

    kind: Word
    severity: Word
    title: Text
    findings: tuple[Word, ...]
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Confirmation:
    """What runs of a test at fault in processes of their own show.

    Attributes:
        state: `confirmed` if the root cause shows in one of them, with the same kind and line; else `suspected`.
        shown: in how many it does.
        runs: how many gave a result.
        text: the same, in words.
    """

    state: Word
    shown: int
    runs: int
    text: Text


@dataclass(frozen=True)
class InTest:
    """The test of a suite under pytest that a finding comes from.

    Attributes:
        nodeid: of the test that made the client, or for which a fixture made it; the file for what is made at import;
            empty where it cannot be known.
        phase: `import`, `collect`, `setup`, `call` or `teardown`.
        fixture: that made it.
        scope: of the fixture.
        thread: the thread that made it, where that is why the test is not known.
        others: tests that make the same mistake.
        hurt: tests that it affects.
        confirmation: of the root cause, in the finding that names it, with `--event-loops-confirm`.
    """

    nodeid: Text
    phase: Word
    fixture: Word | None = None
    scope: Word | None = None
    thread: Text | None = None
    others: tuple[Text, ...] = ()
    hurt: tuple[Text, ...] = ()
    confirmation: Confirmation | None = None


@dataclass(frozen=True, repr=False)
class Finding:
    """One thing the sanitizer saw, as often as `count` says. `str()` is one line."""

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
    id: Word = ""
    test: InTest | None = None

    def __str__(self) -> str:
        site = self.fault.site
        where = f" ({site.file}:{site.line})" if site is not None else ""
        return f"{self.severity}[{self.kind}]: {self.message}{where}"

    def __repr__(self) -> str:
        return f"<{self}>"
