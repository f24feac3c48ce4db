"""Every finding as text (`--full`), in the order of an AddressSanitizer report: what, where, the objects, the fault."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.model.finding import Finding, Site
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.output.last_line import plural
from diagnostics.sanitizer.output.redact import redact_text
from diagnostics.sanitizer.output.text import by

RULE = "=" * 66


def render(findings: Sequence[Finding]) -> str:
    """Returns the findings without secrets; empty if there are none."""
    lines = [line for finding in findings for line in _finding(finding)]
    if findings:
        total = {word: sum(f.count for f in findings if f.severity == word) for word in ("error", "leak", "note")}
        kinds = ", ".join(dict.fromkeys(finding.kind for finding in findings))
        words = ", ".join(plural(count, word) for word, count in total.items() if count)
        lines.append(f"SUMMARY: diagnostics: {words}: {kinds}")
    return redact_text("\n".join(lines) + "\n") if lines else ""


def _finding(finding: Finding) -> list[str]:
    times = f" (x {finding.count})" if finding.count > 1 else ""
    lines = [RULE, f"{finding.severity.upper()}: diagnostics: {finding.kind}{times}", f"  {finding.message}"]
    access = finding.access
    if access is not None and access.site is not None and access.trigger != "loop close":
        lines.append(f"  {access.operation or 'seen'}, caused by {by(access.trigger or 'user')}")
        lines += _at(access.site)
    loop = finding.loop
    if loop is not None:
        lines.append(f"  loop {loop.id} ({loop.kind}) was created by {by(loop.created_by)}")
        lines += _at(loop.created_at)
        if loop.closed_by is not None:
            lines.append(f"  and closed by {by(loop.closed_by)}")
            lines += _at(loop.closed_at)
    connection = finding.connection
    if connection is not None:
        lines.append(f"  connection {connection.id}{' to ' + connection.peer if connection.peer else ''} was opened")
        lines += _at(connection.opened_at)
    client = finding.client
    if client is not None:
        used = f"{plural(client.calls, 'call')}, {plural(client.requests, 'request')}"
        lines.append(f"  client {client.id}, {client.type} ({used}), was created")
        lines += _at(client.created_at)
    fault = finding.fault
    lines.append(f"  AT FAULT: {by(fault.component)}: {fault.why}")
    if client is None or fault.site != client.created_at:
        lines += _at(fault.site)
    lines += [f"  AND: {each.component}: {each.text}" for each in fault.also]
    fix = f" ({finding.hint.fix})" if finding.hint.fix else ""
    lines.append(f"  FIX{fix}: {finding.hint.text}")
    return lines


def _at(site: Site | None) -> list[str]:
    if site is None:
        return ["    at: no line of your code is on the stack"]
    return [
        f"    at {relative_path(site.file)}:{site.line} in {site.function}",
        *([f"      {site.code}"] if site.code else []),
    ]
