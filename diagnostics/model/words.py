"""The closed vocabularies: symptoms, statuses, severities, verdicts and finding kinds.

Every table maps the word to the sentence that explains it. Help texts, reports and tests read these tables, so a word
is spelled in one place. The order of `SYMPTOMS` is the order of severity, from nothing seen to the process dying.
"""

from __future__ import annotations

from typing import Final

SYMPTOMS: Final[dict[str, str]] = {
    "none": "nothing is visible without the sanitizer",
    "retried": "a request was sent more than once, and the caller was not informed",
    "logged": "every call returned, but an error was printed or logged",
    "raised": "a call raised an exception",
    "hang": "the program did not end",
    "crash": "the process died",
}
"""What is visible without the sanitizer, from the mildest to the worst."""

SYMPTOM_NAMES: Final = {**dict(zip(SYMPTOMS, SYMPTOMS, strict=True)), "retried": "sent twice"}
"""The symptoms as texts for people name them."""

RECOVERY: Final[dict[bool | None, str]] = {True: "recovers", False: "does not recover", None: ""}
"""Whether a call was answered after the first that failed, where that is known."""

STATUSES: Final[dict[str, str]] = {
    "ran": "the trial ran and has a symptom",
    "unrelated": "the program failed with an exception that its scenario cannot provoke",
    "unsatisfiable": "no set of packages fits these versions together",
    "unavailable": "this machine has no such interpreter or server",
    "incompatible": "these packages do not support this client or fix",
    "broken": "the harness itself failed",
}
"""Whether there is an outcome, and if not, why."""

SEVERITIES: Final[dict[str, str]] = {
    "error": "code on one event loop used a connection of another loop, or of a closed one",
    "leak": "a client was left open when its loop closed",
    "note": "worth knowing, but not an error",
}

VERDICTS: Final[dict[str, str]] = {
    "removes": "no symptom, no finding, nothing left open, every call answered once",
    "hides": "the symptom is gone, but a finding, a repeated request or an open connection remains",
    "no effect": "the symptom or the finding remains",
    "worsens": "the symptom is worse than without a fix",
    "not reproduced": "the baseline was clean, so there is nothing to fix",
    "inconclusive": "the trials disagree",
}
"""How a fix compares with the baseline of the same combination: environment, provider and scenario."""

FINDING_KINDS: Final[dict[str, str]] = {
    "client-left-open": "a loop closed while a client had connections open on it",
    "cross-loop-use": "a call on loop B used a connection, lock or pool slot that belongs to loop A",
    "cross-loop-close": "a connection of loop A was closed by code running on loop B",
    "use-after-loop-close": "an operation on a loop that is closed",
    "loop-closed-by-gc": "the garbage collector closed the loop, because the program did not",
    "duplicate-request": "one call was sent more than once because of any of the above",
    "abandoned-stream": "a streamed response or its generator was left open, or finalised on another loop",
    "pending-task-destroyed": "a loop closed while one of its tasks was pending",
    "stuck-waiter": "a call waits for a pool slot or lock that no running loop will release",
    "inherited-connection": "a connection opened before fork was used on both sides",
    "unclosed-at-exit": "the process exited with a client open on a loop that was still open",
}
