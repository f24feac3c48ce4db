"""The report for people: one block for each root cause, with the lines of the program that matter.

The form is that of rustc and ruff: what is wrong, the code with carets, the cause, what to do. Everything else is in
`full_text` (`--full`) and in the JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from diagnostics.model.errors import PROGRAM
from diagnostics.model.finding import Advice, Finding, LoopFacts, MarkedLine, RootCause, Site
from diagnostics.sanitizer.analyze.in_tests import described
from diagnostics.sanitizer.analyze.phrasing import blame
from diagnostics.sanitizer.output.drawing import Style, frames, title, wrapped
from diagnostics.sanitizer.output.last_line import last_line, plural
from diagnostics.sanitizer.output.redact import redact_text

HURT_AT_MOST: Final = 5

SHORT: Final = 5
"""Lines of code that advice after the first one may have; more is left to `explain`."""


def render(causes: Sequence[RootCause], findings: Sequence[Finding], look: Style) -> str:
    """Returns the blocks of all root causes without secrets; empty where there are none.

    Args:
        causes: of one process.
        findings: of the same process.
        look: how to write.
    """
    by_id = {finding.id: finding for finding in findings}
    each = [(cause, [by_id[name] for name in cause.findings]) for cause in causes]
    named = {loop: f"loop {number}" for number, loop in enumerate(_loop_ids(chain(*(own for _, own in each))), 1)}
    blocks = ["\n".join(_block(cause, own, named, look)) for cause, own in each]
    return redact_text("\n\n".join(blocks) + "\n\n") if blocks else ""


def summary(
    causes: Sequence[RootCause],
    processes: Sequence[Sequence[Finding]],
    *,
    calls: int,
    requests: int,
    versions: dict[str, str],
) -> str:
    """Returns the last line: what was found, and in what.

    Args:
        causes: all root causes.
        processes: the findings of each process; the first one is the program itself.
        calls: how many there were.
        requests: how many there were.
        versions: of the libraries.
    """
    counts = {word: sum(cause.severity == word for cause in causes) for word in ("error", "leak", "note")}
    found = [plural(count, word) for word, count in counts.items() if count]
    clients = {
        (0 if each.kind == "inherited-connection" else number, each.client.id)  # which the program has, as a rule
        for number, findings in enumerate(processes)
        for each in findings
        if each.client is not None
    }
    loops = sum(map(_count_loops, processes))  # each process begins at L1
    seen = [plural(count, word) for count, word in ((len(clients), "client"), (loops, "loop")) if count]
    parts = [", ".join(found) or "no problem found", *seen]
    return last_line(parts, calls=calls, requests=requests, versions=versions)


def _count_loops(findings: Sequence[Finding]) -> int:
    named = {loop.id for finding in findings for loop in _loops(finding)}
    return max([len(named), *(each.client.loops for each in findings if each.client is not None)])


def worse(cause: RootCause, before: str, look: Style) -> str:
    """Returns what a root cause has become since its block was printed, as a finding of the kind `before`."""
    return redact_text(
        "\n".join(
            title(f"{cause.severity}[{cause.kind}]", f"{cause.title}; reported above as {before}", cause.severity, look)
        )
        + "\n\n"
    )


def blind_spot(text: str, look: Style) -> str:
    """Returns the line of a blind spot."""
    return wrapped("diagnostics: blind spot: ", text, look)


def by(component: str | None) -> str:
    """Returns who did something, as a reader would say it."""
    return {"user": "your code", "gc": "the garbage collector"}.get(component or "", component or "unknown code")


def _loops(finding: Finding) -> list[LoopFacts]:
    running = finding.access.running if finding.access is not None else None
    return [loop for loop in (finding.loop, running) if loop is not None]


def _block(cause: RootCause, findings: list[Finding], named: dict[str, str], look: Style) -> list[str]:
    lines = title(f"{cause.severity}[{cause.kind}]", cause.title, cause.severity, look)
    lines += frames(_labels(findings, named), look)
    main = findings[0]
    also = list(dict.fromkeys(each for finding in findings for each in finding.fault.also))
    lines.append(wrapped("   = cause: ", blame(by(main.fault.component), main.fault.why), look))
    lines += [wrapped("   = and:   ", f"{each.component}: {each.text}; you can report that", look) for each in also]
    lines += [wrapped("   = also:  ", text, look) for text in _consequences(findings, named)]
    if main.test is not None:
        lines.append(wrapped("   = test:  ", described(main.test), look))
        lines += [wrapped("   = hurt:  ", name, look) for name in main.test.hurt[:HURT_AT_MOST]]
        more = len(main.test.hurt) - HURT_AT_MOST
        lines += [f"   = hurt:  {plural(more, 'more test')}"] if more > 0 else []
        if (again := main.test.confirmation) is not None:
            lines.append(wrapped("   = again: ", f"{again.state}: {again.text}", look))
    for number, advice in enumerate(cause.advice):
        lines += _help(advice, look, short=number > 0)
    return lines


def _loop_ids(findings: Iterable[Finding]) -> list[str]:
    """Returns the loops in the order in which they matter: that of the connection, then the one that used it."""
    return list(dict.fromkeys(loop.id for finding in findings for loop in _loops(finding)))


def _labels(findings: Sequence[Finding], named: dict[str, str]) -> list[MarkedLine]:
    """Returns the source locations to show, each with what happened there: the client, the loops, the access."""
    found: list[MarkedLine] = []
    client = next((each.client for each in findings if each.client is not None), None)
    if client is not None:
        kept = client.held_by.site if client.held_by is not None else None
        made = _nearest(client.created_at, client.stack)
        if kept is not None and client.held_by is not None:
            both = made is not None and _same_line(kept, made)
            text = "created here, kept in" if both else "kept in"
            found.append(MarkedLine(kept, f"{text} `{client.held_by.name}`"))
        if made is not None and (kept is None or not _same_line(kept, made)):
            found.append(MarkedLine(made, "connects on first use, here" if client.first_use else "created here"))
    loops = {loop.id: loop for finding in findings for loop in _loops(finding)}
    for name, loop in loops.items():
        place = _nearest(loop.created_at, ())
        if place is not None:
            found.append(MarkedLine(place, _life(named[name], loop)))
    main = findings[0]
    access = main.access
    if access is not None and (access.trigger != "loop close" or main.kind == "pending-task-destroyed"):
        place = _nearest(access.site, access.stack)
        if place is not None:
            found.append(MarkedLine(place, _what(main, named)))
    return found


def _same_line(one: Site, other: Site) -> bool:
    return (one.file, one.line) == (other.file, other.line)


def _nearest(site: Site | None, stack: Sequence[Site]) -> Site | None:
    """Returns the first-party line, or the innermost frame of a library where there is none."""
    return site or (stack[0] if stack else None)


def _life(name: str, loop: LoopFacts) -> str:
    text = name
    if loop.created_by and loop.created_by not in ("user", "asyncio.run", "asyncio.Runner", "asyncio.new_event_loop"):
        text += f" ({loop.created_by})"
    if loop.closed_by == loop.created_by or loop.closed_by is None:
        return text + (", created and closed here" if loop.closed_by else "")
    return f"{text}, closed by {by(loop.closed_by)}"


def _what(finding: Finding, named: dict[str, str]) -> str:
    access = finding.access
    where = ""
    if access is not None and access.running is not None:
        unseen = access.running.created_at is None and access.running.created_by
        where = f"on {named[access.running.id]}{f' ({unseen})' if unseen else ''}: "
    owner = named.get(finding.loop.id, finding.loop.id) if finding.loop is not None else "a loop"
    words = {
        "cross-loop-use": f"used {'a connection' if finding.connection is not None else 'an object'} of {owner}",
        "cross-loop-close": f"closed a connection of {owner}",
        "duplicate-request": "sent a request again",
        "use-after-loop-close": f"used {owner} after it was closed",
        "stuck-waiter": "waits here",
        "pending-task-destroyed": "the task still waits here",
        "inherited-connection": "uses a connection of the parent process",
    }
    return where + words.get(finding.kind, access.operation if access is not None else "")


def _consequences(findings: Sequence[Finding], named: dict[str, str]) -> list[str]:
    """Returns what else the mistake leads to, a line each."""
    others = [each for each in findings[1:] if each.kind != findings[0].kind]
    return list(dict.fromkeys(_shortened(each, named) for each in others))


def _shortened(finding: Finding, named: dict[str, str]) -> str:
    """Returns a message without what the block has already said: the client, and how its loops ended."""
    text = finding.message
    if finding.client is not None:
        who = f"{finding.client.type} {finding.client.id}"
        text = text.replace(f" of {who}", "").replace(who, "the client")
    for loop in _loops(finding):
        text = re.sub(rf"\b{loop.id}\b(?: \(closed by [^)]*\))?", named.get(loop.id, loop.id), text)
    return re.sub(r"when (?:its loop|their loops) closed: (.*)$", r"when \1 closed", text)


def _help(advice: Advice, look: Style, *, short: bool) -> list[str]:
    lines = [wrapped("help: ", advice.text, look, colour="help")]
    code = advice.code.splitlines()
    if short and len(code) > SHORT:
        code = [f"{PROGRAM} explain {advice.fix}"] if advice.fix is not None else code[:SHORT]
    bar = look.paint("|", "place")
    return lines + [f"   {bar} {line}".rstrip() for line in code]
