"""The report for people: one block for each root cause, with the lines of the program that matter.

The form is that of rustc and ruff: what is wrong, the code with carets, the cause, what to do. Everything else is in
`full_text` (`--full`) and in the JSON.
"""

from __future__ import annotations

import linecache
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Final, NamedTuple

from diagnostics.model.errors import PROGRAM
from diagnostics.model.finding import Advice, Finding, LoopFacts, RootCause, Site
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.analyze.in_tests import described
from diagnostics.sanitizer.output.redact import redact_text

MIN_WIDTH: Final = 40
HURT_AT_MOST: Final = 5
_COLOURS: Final = {"error": "1;31", "leak": "1;33", "note": "1;36", "help": "1;32", "place": "1;34", "title": "1"}


class Style(NamedTuple):
    """How to write.

    Attributes:
        width: columns.
        colour: whether the reader understands colours and links.
    """

    width: int = 100
    colour: bool = False

    def paint(self, text: str, colour: str) -> str:
        """Returns a text in a colour."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def link(self, text: str, file: str) -> str:
        """Returns a text that leads to a file (OSC 8)."""
        if not self.colour or not os.path.isabs(file):
            return text
        return f"\x1b]8;;file://{file}\x1b\\{text}\x1b]8;;\x1b\\"


def style(color: str = "auto", *, plain: bool = False) -> Style:
    """Returns the style for standard error.

    Args:
        color: `always`, `never`, or `auto`: colours for a terminal only, and never with `NO_COLOR`.
        plain: whether the text goes to a file.
    """
    try:
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        terminal = False
    colour = color == "always" or (color == "auto" and terminal and not plain and not os.environ.get("NO_COLOR"))
    return Style(max(MIN_WIDTH, shutil.get_terminal_size((100, 24)).columns), colour)


def render(causes: Sequence[RootCause], findings: Sequence[Finding], look: Style) -> str:
    """Returns the blocks of all root causes without secrets; empty where there are none.

    Args:
        causes: of one process.
        findings: of the same process.
        look: how to write.
    """
    by_id = {finding.id: finding for finding in findings}
    blocks = ["\n".join(_block(cause, [by_id[name] for name in cause.findings], look)) for cause in causes]
    return redact_text("\n\n".join(blocks) + "\n\n") if blocks else ""


def summary(
    causes: Sequence[RootCause], findings: Sequence[Finding], *, calls: int, requests: int, versions: dict[str, str]
) -> str:
    """Returns the last line: what was found, and in what."""
    counts = {word: sum(cause.severity == word for cause in causes) for word in ("error", "leak", "note")}
    found = [plural(count, word) for word, count in counts.items() if count] or ["no problem found"]
    clients = {finding.client.id for finding in findings if finding.client is not None}
    loops = {loop.id for finding in findings for loop in _loops(finding)}
    seen = [plural(len(each), word) for each, word in ((clients, "client"), (loops, "loop")) if each]
    used = [f"{plural(calls, 'call')}, {plural(requests, 'request')}"] if calls or requests else []
    libraries = [", ".join(f"{name} {version}" for name, version in versions.items())] if versions else []
    return "diagnostics: " + " · ".join([", ".join(found), *seen, *used, *libraries])


def worse(cause: RootCause, before: str, look: Style) -> str:
    """Returns what a root cause has become since its block was printed, as a finding of the kind `before`."""
    return redact_text("\n".join(_title(cause, look, f"; reported above as {before}")) + "\n\n")


def blind_spot(text: str, look: Style) -> str:
    """Returns the line of a blind spot."""
    return _wrapped("diagnostics: blind spot: ", text, look)


def plural(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 call`, `2 calls`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def by(component: str | None) -> str:
    """Returns who did something, as a reader would say it."""
    return {"user": "your code", "gc": "the garbage collector"}.get(component or "", component or "unknown code")


class _Label(NamedTuple):
    site: Site
    text: str


def _loops(finding: Finding) -> list[LoopFacts]:
    running = finding.access.running if finding.access is not None else None
    return [loop for loop in (finding.loop, running) if loop is not None]


def _block(cause: RootCause, findings: list[Finding], look: Style) -> list[str]:
    lines = _title(cause, look)
    named = {loop: f"loop {number}" for number, loop in enumerate(_loop_ids(findings), 1)}
    lines += _frames(_labels(findings, named), look)
    main = findings[0]
    also = list(dict.fromkeys(each for finding in findings for each in finding.fault.also))
    here = ", and you can fix it there" if also and main.fault.component == "user" else ""
    lines.append(_wrapped("   = cause: ", f"{by(main.fault.component)}: {main.fault.why}{here}", look))
    lines += [_wrapped("   = and:   ", f"{each.component}: {each.text} (reportable there)", look) for each in also]
    lines += [_wrapped("   = also:  ", text, look) for text in _consequences(findings, named)]
    if main.test is not None:
        lines.append(_wrapped("   = test:  ", described(main.test), look))
        lines += [_wrapped("   = hurt:  ", name, look) for name in main.test.hurt[:HURT_AT_MOST]]
        more = len(main.test.hurt) - HURT_AT_MOST
        lines += [f"   = hurt:  {plural(more, 'more test')}"] if more > 0 else []
    for number, advice in enumerate(cause.advice):
        lines += _help(advice, look, short=number > 0)
    return lines


def _title(cause: RootCause, look: Style, more: str = "") -> list[str]:
    head = f"{cause.severity}[{cause.kind}]"
    first, *others = textwrap.wrap(f"{head}: {cause.title}{more}", look.width, subsequent_indent="    ")
    painted = look.paint(head, cause.severity) + look.paint(first[len(head) :], "title")
    return [painted, *(look.paint(each, "title") for each in others)]


def _loop_ids(findings: Sequence[Finding]) -> list[str]:
    """Returns the loops in the order in which they matter: that of the connection, then the one that used it."""
    return list(dict.fromkeys(loop.id for finding in findings for loop in _loops(finding)))


def _labels(findings: Sequence[Finding], named: dict[str, str]) -> list[_Label]:
    """Returns the source locations to show, each with what happened there: the client, the loops, the access."""
    found: list[_Label] = []
    client = next((each.client for each in findings if each.client is not None), None)
    if client is not None:
        kept = client.held_by.site if client.held_by is not None else None
        made = _nearest(client.created_at, client.stack)
        if kept is not None and client.held_by is not None:
            both = made is not None and _same_line(kept, made)
            text = "created here, kept in" if both else "kept in"
            found.append(_Label(kept, f"{text} `{client.held_by.name}`"))
        if made is not None and (kept is None or not _same_line(kept, made)):
            found.append(_Label(made, "connects on first use, here" if client.first_use else "created here"))
    loops = {loop.id: loop for finding in findings for loop in _loops(finding)}
    for name, text in named.items():
        place = _nearest(loops[name].created_at, ())
        if place is not None:
            found.append(_Label(place, _life(text, loops[name])))
    main = findings[0]
    access = main.access
    if access is not None and access.trigger != "loop close":
        place = _nearest(access.site, access.stack)
        if place is not None:
            found.append(_Label(place, _what(main, named)))
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


def _frames(labels: Sequence[_Label], look: Style) -> list[str]:
    grouped: dict[tuple[str, int], list[_Label]] = {}
    for label in labels:
        grouped.setdefault((label.site.file, label.site.line), []).append(label)
    margin = max((len(str(line)) for _, line in grouped), default=1)
    lines: list[str] = []
    for number, ((file, line), members) in enumerate(grouped.items()):
        site = members[0].site
        column = "" if site.column is None else f":{site.column + 1}"
        place = look.link(f"{relative_path(file)}:{line}{column}", file)
        arrow = "-->" if number == 0 else ":::"
        lines.append(" " * margin + look.paint(f"{arrow} ", "place") + place)
        lines += _source(site, members, margin, look)
    return lines


def _source(site: Site, members: Sequence[_Label], margin: int, look: Style) -> list[str]:
    bar = look.paint("|", "place")
    if not site.code:
        return [f"{' ' * margin} {bar} {label.text}" for label in members]
    room = look.width - margin - 3
    code, shift = _line(site, room)
    lines = [f"{' ' * margin} {bar}", f"{look.paint(str(site.line).rjust(margin), 'place')} {bar} {code}"]
    for label in members:
        start, end = (min(max(0, at - shift), len(code)) for at in _span(label.site))
        carets = " " * start + look.paint("^" * max(1, end - start), "place")
        if start + (end - start) + 1 + len(label.text) <= room:
            lines.append(f"{' ' * margin} {bar} {carets} {label.text}")
        else:
            lines.append(f"{' ' * margin} {bar} {carets}")
            wrapped = textwrap.wrap(label.text, max(MIN_WIDTH // 2, room - 2))
            lines += [f"{' ' * margin} {bar}   {each}" for each in wrapped]
    return lines


def _line(site: Site, room: int) -> tuple[str, int]:
    """Returns a line of source as it is shown, and how many columns it lost at its left."""
    text = linecache.getline(site.file, site.line).rstrip()
    text = text if text.strip() == site.code else site.code
    if len(text) <= room:
        return text, 0
    indent = len(text) - len(text.lstrip())
    shown = text[indent:]
    return (shown if len(shown) <= room else shown[: room - 1] + "…"), indent


def _span(site: Site) -> tuple[int, int]:
    """Returns which part of a line to underline: the name of what is called."""
    text = linecache.getline(site.file, site.line).rstrip()
    if site.column is None or text.strip() != site.code:
        indent = len(text) - len(text.lstrip()) if text.strip() == site.code else 0
        return indent, indent + len(site.code)
    called = text[site.column : site.end_column].partition("(")[0].rstrip()
    start = site.column + (len("await ") if called.startswith("await ") else 0)
    end = max(start + 1, site.column + len(called))
    if called.count(".") > 1:  # of `client.chat.completions.create`, the method
        start = site.column + called.rindex(".") + 1
    return start, end


def _help(advice: Advice, look: Style, *, short: bool) -> list[str]:
    lines = [_wrapped("help: ", advice.text, look, colour="help")]
    code = advice.code.splitlines()
    if short:
        code = [f"{PROGRAM} explain {advice.fix}"] if advice.fix is not None else code[:2]
    bar = look.paint("|", "place")
    return lines + [f"   {bar} {line}".rstrip() for line in code]


def _wrapped(start: str, text: str, look: Style, colour: str = "") -> str:
    wrapped = textwrap.wrap(start + text, look.width, subsequent_indent=" " * len(start), break_on_hyphens=False)
    whole = "\n".join(wrapped) or start
    return look.paint(start.rstrip(), colour) + whole[len(start.rstrip()) :] if colour else whole
