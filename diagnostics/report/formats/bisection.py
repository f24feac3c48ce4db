"""A search through the releases of a package, as people read it: on a terminal, as Markdown, as rows of a table."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from diagnostics.model.bisection import CAUSES, Bisection, Outcome, ReleaseChange, ReleaseSpan
from diagnostics.model.codec import RecordError, decode, parse
from diagnostics.model.words import RECOVERY, SYMPTOM_NAMES
from diagnostics.report.markup import escape
from diagnostics.runs.upgrade import upgraded

LOCK_LINES = 12
"""Other packages of a lock that a text shows; the JSON has all."""


def read(text: str | bytes) -> Bisection:
    """A search from its JSON.

    Raises:
        RecordError: it is none.
    """
    try:
        return decode(Bisection, upgraded(parse(text)))
    except ValueError as error:
        raise RecordError(f"not a record of a search: {error}") from error


def title(found: Bisection) -> str:
    """What was asked."""
    fix = "" if found.fix == "none" else f", fix {found.fix}"
    provider = "" if found.provider == found.package else f" by {found.provider}"
    return f"{found.package}: {found.what}{provider}{fix}, Python {found.python}"


def outcome_words(outcome: Outcome) -> str:
    """An outcome in one line."""
    return f"{_seen(outcome)} ({', '.join(outcome.findings) or 'no finding'})"


def _seen(outcome: Outcome) -> str:
    parts = [SYMPTOM_NAMES[outcome.symptom]]
    if outcome.answers != "all":
        parts.append(f"{outcome.answers} of the calls answered")
    if outcome.recovers is not None:
        parts.append(RECOVERY[outcome.recovers])
    if outcome.requests != "one a call":
        parts.append(f"{outcome.requests} requests than calls")
    if outcome.exit_status:
        parts.append(f"exit status {outcome.exit_status}")
    return ", ".join(parts)


def stretch_words(stretch: ReleaseSpan) -> str:
    """A stretch of releases, without what they did."""
    if stretch.first == stretch.last:
        return f"{stretch.first} ({stretch.first_day})"
    looked = f"{stretch.looked} of {stretch.releases} releases tested"
    return f"{stretch.first} ({stretch.first_day}) to {stretch.last} ({stretch.last_day}), {looked}"


def text(found: Bisection) -> str:
    """The whole answer for a terminal."""
    lines = [title(found), ""]
    lines += [f"  {stretch_words(stretch)}: {outcome_words(stretch.outcome)}" for stretch in found.history]
    for change in found.changes:
        lines += ["", *_change(found, change)]
    if not found.changes:
        lines += ["", "No change was found in the tested releases."]
    mute = found.cannot_tell
    lines += ["", f"{len(found.tried)} of {found.releases} releases tested in {found.seconds:.0f} s."]
    if mute:
        lines.append(f"Without an outcome: {', '.join(tried.version for tried in mute)}.")
        lines += [f"  {tried.version}: {tried.reason}" for tried in mute[:3]]
    lines += ["Repeat it with:", f"  {shlex.join(found.command)}"]
    return "\n".join(lines) + "\n"


def _change(found: Bisection, change: ReleaseChange) -> list[str]:
    before, after = change.before, change.after
    assert before.outcome is not None
    assert after.outcome is not None
    releases = f"{found.package} {before.version} ({before.day}) → {after.version} ({after.day})"
    symptoms = (SYMPTOM_NAMES[outcome.symptom] for outcome in (before.outcome, after.outcome))
    lines = [f"{releases}: {' → '.join(symptoms)}"]
    lines += [f"  {line}" for line in before.outcome.difference(after.outcome) if not line.startswith("symptom:")]
    lines += _side_by_side(before.outcome, after.outcome)
    if change.skipped:
        shown = ", ".join(f"{version} ({why})" for version, why in list(change.skipped.items())[:6])
        more = len(change.skipped) - 6
        lines.append(f"  between them, without an outcome: {shown}{f' and {more} more' if more > 0 else ''}")
    lines.append(f"  other packages that changed: {_moved(change)}")
    if change.moved:
        lines.append(f"  cause: {_cause(found, change)}")
    lines += [f"  environments: {before.environment}", f"                {after.environment}"]
    for side in (before, after):
        if side.outcome is not None and side.outcome.evidence:
            lines.append(f"  {side.version}: {side.outcome.evidence}")
    if change.compare:
        lines.append(f"  what changed: {change.compare}")
    return lines


def _side_by_side(before: Outcome, after: Outcome) -> list[str]:
    kinds = sorted({*before.findings, *after.findings})
    if not kinds:
        return []
    width = max(len(kind) for kind in kinds)
    marks = {True: "yes", False: "no"}
    rows = [
        f"    {kind:{width}}  {marks[kind in before.findings]:6}  {marks[kind in after.findings]}" for kind in kinds
    ]
    return [f"    {'finding':{width}}  before  after", *rows]


def _moved(change: ReleaseChange) -> str:
    words = [f"{name} {one or '(none)'} → {other or '(none)'}" for name, (one, other) in change.moved.items()]
    if len(words) > LOCK_LINES:
        words = [*words[:LOCK_LINES], f"and {len(words) - LOCK_LINES} more"]
    return ", ".join(words) or "none"


def _cause(found: Bisection, change: ReleaseChange) -> str:
    word = {"package": found.package, "others": "another package", "cannot tell": "unknown"}[change.cause]
    return f"{word}; {CAUSES[change.cause]}"


def markdown_table(searches: Iterable[Bisection]) -> str:
    """One table of the histories of several searches: a row a stretch of releases."""
    heads = ("package", "scenario", "releases", "published", "outcome", "findings", "brought by", "tested")
    rows = [escape.row([escape.Md(head) for head in heads]), escape.row([escape.Md("---") for _ in heads])]
    for found in searches:
        brought = {change.after.version: _brought_by(found, change) for change in found.changes}
        for number, stretch in enumerate(found.history):
            alone = stretch.first == stretch.last
            blank = escape.Md("")
            findings = [escape.code(kind) for kind in stretch.outcome.findings]
            rows.append(
                escape.row(
                    [
                        blank if number else escape.code(found.package),
                        blank if number else escape.code(found.what),
                        escape.text(stretch.first if alone else f"{stretch.first} – {stretch.last}"),
                        escape.text(stretch.first_day if alone else f"{stretch.first_day} – {stretch.last_day}"),
                        escape.text(_seen(stretch.outcome)),
                        escape.Md(", ".join(findings) or "none"),
                        escape.text(brought.get(stretch.first, "")),
                        escape.text(f"{stretch.looked} of {stretch.releases}"),
                    ]
                )
            )
    return "\n".join(rows) + "\n"


def _brought_by(found: Bisection, change: ReleaseChange) -> str:
    if change.cause == "package":
        return f"{found.package} {change.after.version}"
    moved = _moved(change)
    return moved if change.cause == "others" else f"{found.package} {change.after.version}, or {moved}"


def markdown(found: Bisection) -> str:
    """One search as Markdown: its history as a table, then every change."""
    parts = [f"## {escape.text(title(found))}", markdown_table([found]).rstrip("\n")]
    for change in found.changes:
        first, *rest = _change(found, change)
        parts += [f"**{escape.text(first)}**", escape.fence("\n".join(rest), limit=6000)]
    parts += ["Repeat it with:", escape.fence(shlex.join(found.command))]
    return "\n\n".join(parts) + "\n"
