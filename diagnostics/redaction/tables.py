"""Which fields of which record may leave, and how. A field that is not here stays on this machine.

One table a record, by the schema that the record names, or by a word of ours where it names none. A test compares each
with the class that the record is written from, both ways.
"""

from __future__ import annotations

from typing import Final

from diagnostics.redaction.field_rules import (
    Table,
    Way,
    by_name,
    code,
    digest,
    each,
    file,
    number,
    record,
    text,
    time,
    version,
    word,
)

COUNTS: Final[Way] = by_name(word, number)

ENVIRONMENT: Final[Table] = {"name": word, "python": version, "loop": word, "packages": by_name(word, version)}
LOAD: Final[Table] = {"runs": number, "calls": number, "concurrency": number, "retries": number}
FINDING_COUNT: Final[Table] = {"kind": word, "severity": word, "count": number}
ACCOUNTING: Final[Table] = {
    "calls": number,
    "answers": number,
    "requests": number,
    "retries": number,
    "connections": number,
    "seconds": number,
    "fds_left": number,
    "fds_leaked": number,
    "threads_left": number,
}
TRIAL: Final[Table] = {
    "schema": text,
    "key": digest,
    "trial": number,
    "mode": word,
    "instrumented": number,
    "environment": record(ENVIRONMENT),
    "provider": word,
    "scenario": word,
    "fix": word,
    "load": record(LOAD),
    "status": word,
    "reason": text,
    "symptom": word,
    "evidence": text,
    "findings": each(record(FINDING_COUNT)),
    "accounting": record(ACCOUNTING),
    "redacted": COUNTS,
}
ENVIRONMENT_ROW: Final[Table] = {
    "name": word,
    "slug": word,
    "status": word,
    "reason": text,
    "python": version,
    "packages": by_name(word, version),
    "redacted": COUNTS,
}
ASKED: Final[Table] = {
    "profile": word,
    "provider": each(word),
    "scenario": each(word),
    "fix": each(word),
    "environment": each(word),
    "python": each(text),
    "openai": each(text),
    "httpx": each(text),
    "trials": number,
    "runs": number,
    "calls": number,
    "concurrency": number,
    "retries": number,
    "cold": number,
    "instrument": word,
    "timeout": number,
    "matrix": text,
    "as_of": word,
}
MACHINE: Final[Table] = {"system": text, "cpus": number, "python": version}
RUN: Final[Table] = {
    "schema": text,
    "started": time,
    "finished": time,
    "machine": record(MACHINE),
    "command": each(text),
    "asked": record(ASKED),
    "as_of": word,
    "trials": number,
    "merged": each(record({"run": text, "trials": number, "started": time, "machine": record(MACHINE)})),
    "profile": word,
    "seconds": number,
    "trial_seconds": number,
    "redacted": COUNTS,
}

SITE: Final[Table] = {"file": file, "line": number, "function": word, "code": code}
_SITES = each(record(SITE))
EVENT: Final[Table] = {
    "trial": digest,
    "scenario": word,
    "fix": word,
    "repetition": number,
    "number": number,
    "subject": word,
    "name": word,
    "what": word,
    "running": word,
    "loop": word,
    "open": number,
    "by": record(SITE),
    "site": record(SITE),
    "detail": text,
    "at": number,
    "thread": text,
    "client": word,
    "connection": word,
    "stack": _SITES,
    "same_stack": number,
}
CLIENT: Final[Table] = {
    "id": word,
    "type": word,
    "created_at": record(SITE),
    "stack": _SITES,
    "calls": number,
    "requests": number,
}
LOOP: Final[Table] = {
    "id": word,
    "kind": word,
    "created_at": record(SITE),
    "created_by": word,
    "closed_at": record(SITE),
    "closed_by": word,
}
CONNECTION: Final[Table] = {"id": word, "peer": text, "opened_at": record(SITE)}
ACCESS: Final[Table] = {"loop": word, "site": record(SITE), "operation": word, "trigger": word, "stack": _SITES}
FAULT: Final[Table] = {"component": word, "site": record(SITE), "why": text}
HINT: Final[Table] = {"fix": word, "text": text}
FINDING: Final[Table] = {
    "kind": word,
    "severity": word,
    "count": number,
    "message": text,
    "client": record(CLIENT),
    "loop": record(LOOP),
    "connection": record(CONNECTION),
    "access": record(ACCESS),
    "fault": record(FAULT),
    "hint": record(HINT),
}
PROGRAM: Final[Table] = {"argv": each(text), "python": version, "exit_code": number}
FINDINGS: Final[Table] = {
    "schema": text,
    "program": record(PROGRAM),
    "environment": by_name(word, version),
    "accounting": record({"calls": number, "requests": number}),
    "cannot_tell": each(text),
    "findings": each(record(FINDING)),
}

EVIDENCE_TABLE: Final[Table] = {"title": text, "columns": each(text), "rows": each(each(text))}
ANSWER: Final[Table] = {
    "question": text,
    "sentences": each(text),
    "verdict": word,
    "tables": each(record(EVIDENCE_TABLE)),
    "facts": text,
}
PHASE: Final[Table] = {
    "schema": text,
    "phase": number,
    "title": text,
    "provider": word,
    "environment": record(ENVIRONMENT),
    "machine": record(MACHINE),
    "started": time,
    "seconds": number,
    "answers": each(record(ANSWER)),
    "trials": each(record(TRIAL)),
}
CRITERION: Final[Table] = {"text": text, "met": number, "measured": text}
CONCLUSION: Final[Table] = {"schema": text, "answers": each(record(ANSWER)), "criteria": each(record(CRITERION))}

OUTCOME: Final[Table] = {
    "symptom": word,
    "findings": each(word),
    "answers": word,
    "requests": text,
    "repeats": number,
    "exit_status": number,
    "evidence": text,
}
TRIED: Final[Table] = {
    "version": version,
    "day": word,
    "outcome": record(OUTCOME),
    "reason": text,
    "trials": number,
    "environment": word,
}
STRETCH: Final[Table] = {
    "first": version,
    "last": version,
    "first_day": word,
    "last_day": word,
    "releases": number,
    "looked": number,
    "outcome": record(OUTCOME),
    "symptom": word,
}
_PACKAGES = by_name(word, version)
CHANGE: Final[Table] = {
    "before": version,
    "after": version,
    "from": word,
    "to": word,
    "difference": each(text),
    "skipped": by_name(version, text),
    "moved": by_name(word, each(version)),
    "cause": word,
    "compare": text,
    "locks": record({"before": _PACKAGES, "after": _PACKAGES}),
}
BISECTION: Final[Table] = {
    "schema": text,
    "package": word,
    "provider": word,
    "scenario": word,
    "script": text,
    "fix": word,
    "load": record(LOAD),
    "python": version,
    "loop": word,
    "hold": word,
    "requirements": each(text),
    "by": word,
    "all": number,
    "boundaries": each(record(CHANGE)),
    "history": each(record(STRETCH)),
    "tried": number,
    "releases": number,
    "cannot_tell": each(version),
    "looks": each(record(TRIED)),
    "command": each(text),
    "seconds": number,
}

RECORDS: Final[dict[str, Table]] = {
    "diagnostics.trial/1": TRIAL,
    "diagnostics.run/1": RUN,
    "diagnostics.phase/1": PHASE,
    "diagnostics.conclusion/1": CONCLUSION,
    "diagnostics.findings/1": FINDINGS,
    "diagnostics.bisect/1": BISECTION,
    "environment": ENVIRONMENT_ROW,
    "event": EVENT,
}
"""By schema, or by the word that `files.py` knows a record by."""
