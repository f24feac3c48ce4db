"""The closed vocabularies: symptoms, statuses, severities, verdicts and finding kinds.

Every table maps the word to the sentence that explains it. Help texts, reports and tests read these tables, so a word
is spelled in one place. The order of `SYMPTOMS` is the order of severity, from nothing seen to the process dying.
"""

from __future__ import annotations

from typing import Final

SYMPTOMS: Final[dict[str, str]] = {
    "none": "a person would see nothing",
    "retried": "a call was sent or tried more than once, without a word to the caller",
    "logged": "something was printed or logged, but every call returned",
    "raised": "a call raised an exception",
    "hang": "the program did not end",
    "crash": "the process died",
}
"""What a person would see without any tool, from the mildest to the worst."""

STATUSES: Final[dict[str, str]] = {
    "ran": "the trial ran and has a symptom",
    "unsatisfiable": "no set of packages fits these versions together",
    "unavailable": "this machine has no such interpreter",
    "incompatible": "the client cannot be imported, built or arranged so with these packages",
    "broken": "the harness itself failed",
}
"""Whether there is an outcome, and if not, why."""

SEVERITIES: Final[dict[str, str]] = {
    "error": "a foreign touch happened",
    "leak": "nothing broke yet, but a client was left open when its loop closed",
    "note": "worth knowing, not wrong",
}

VERDICTS: Final[dict[str, str]] = {
    "removes": "no symptom, no finding, nothing left open, every call answered once",
    "hides": "the symptom is gone, but a finding, a repeated request or an open connection is still there",
    "no effect": "the symptom is still there",
    "worsens": "it is worse than without the fix",
    "not reproduced": "the baseline was clean, so nothing can be said",
    "inconclusive": "the trials differ, so nothing can be said",
}
"""What is said of a fix against the baseline of the same environment, provider and scenario."""

FINDING_KINDS: Final[dict[str, str]] = {
    "client-left-open": "a loop closed while a client still held connections opened on it",
    "cross-loop-use": "a call on loop B used a connection, lock or pool slot that belongs to loop A",
    "cross-loop-close": "a connection of loop A was closed by code running on loop B",
    "use-after-loop-close": "another operation on a loop that is closed",
    "loop-closed-by-gc": "nobody closed the loop; the collector did",
    "duplicate-request": "one call was sent more than once because of any of the above",
    "abandoned-stream": "a streamed response or its generator was left open, or finalised somewhere else",
    "pending-task-destroyed": "a loop closed while a task of its was still pending",
    "stuck-waiter": "a call waits for a pool slot or lock that no live loop will release",
    "inherited-connection": "a connection opened before fork was used on both sides",
    "unclosed-at-exit": "the process ended with a client open on a loop that was still fine",
}
