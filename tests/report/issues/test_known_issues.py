"""The table of known issues: its form, and that each row can be recognised and is not recognised in clean trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product

import pytest

from diagnostics.experiment.providers import PROVIDERS as ALL_PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS as ALL_SCENARIOS
from diagnostics.model.trial import Trial
from diagnostics.model.words import SYMPTOMS
from diagnostics.report.issues.known_issues import KNOWN_ISSUES, KnownIssue, matching, parse

PROVIDERS = ("openai", "anthropic", "google-genai", "httpx", "httpx2")
SCENARIOS = ("repeated-run", "sequential-classifiers", "threads", "keepalive-expired")
SEEN = (
    ("raised", "APIConnectionError: Connection error. <- RuntimeError: Event loop is closed"),
    ("raised", "RuntimeError: <asyncio.locks.Event object> is bound to a different event loop"),
    ("logged", "Task exception was never retrieved\ncoro=<AsyncClient.aclose()>\nRuntimeError: Event loop is closed"),
    ("logged", "Task was destroyed but it is pending!"),
    ("logged", "Unclosed client session"),
    ("logged", "in StreamWriter.__del__\nRuntimeError: Event loop is closed"),
    ("logged", "asyncio/sslproto.py\nRuntimeError: Event loop is closed"),
    ("retried", "15 calls, 20 requests, 5 marked as a retry"),
    ("hang", "the program did not end in time"),
    ("none", None),
)


@pytest.fixture
def zoo(trial: Callable[..., Trial]) -> list[Trial]:
    def made() -> Iterator[Trial]:
        for provider, scenario, (symptom, evidence) in product(PROVIDERS, SCENARIOS, SEEN):
            yield trial("none", symptom, provider=provider, scenario=scenario, evidence=evidence, fds_left=5)

    return list(made())


def test_the_table_is_long_enough_and_names_each_issue_once() -> None:
    assert len(KNOWN_ISSUES) >= 15
    assert len({issue.url for issue in KNOWN_ISSUES}) == len(KNOWN_ISSUES)


@pytest.mark.parametrize("issue", KNOWN_ISSUES, ids=lambda issue: issue.name)
def test_a_row_is_complete(issue: KnownIssue) -> None:
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/issues/\d+", issue.url)
    assert all((issue.title, issue.affected, issue.outcome, issue.fingerprints))
    assert issue.read in ("thread", "cited")
    assert type(issue.checked) is date


@pytest.mark.parametrize("issue", KNOWN_ISSUES, ids=lambda issue: issue.name)
def test_a_fingerprint_uses_words_that_exist_and_asks_for_more_than_a_provider(issue: KnownIssue) -> None:
    for fingerprint in issue.fingerprints:
        assert fingerprint.providers
        assert set(fingerprint.providers) <= set(ALL_PROVIDERS)
        assert set(fingerprint.scenarios) <= set(ALL_SCENARIOS)
        assert fingerprint.symptom in ("", *SYMPTOMS)
        assert fingerprint.symptom or fingerprint.evidence


@pytest.mark.parametrize(
    "text",
    [
        "[[issue]]\nurl = 'https://github.com/a/b/issues/1'",
        "[[issue]]\nurl = 'u'\ncolour = 'red'\nany = []",
        "[[issue]]\nurl = 'u'\n[[issue.any]]\nproviders = ['openai']\nsays = ['x']",
        "not toml",
    ],
)
def test_a_wrong_row_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"known issue|Expected"):
        parse(text)


@pytest.mark.parametrize("issue", KNOWN_ISSUES, ids=lambda issue: issue.name)
def test_a_row_can_be_recognised_and_is_not_in_every_trial(issue: KnownIssue, zoo: list[Trial]) -> None:
    shown = [each for each in zoo if issue.matches(each)]

    assert shown
    assert len(shown) < len(zoo) / 4


def test_a_clean_trial_matches_nothing(trial: Callable[..., Trial]) -> None:
    clean = [trial("none", "none", provider=provider) for provider in PROVIDERS]

    assert matching(clean) == []


def test_a_trial_that_did_not_run_matches_nothing(trial: Callable[..., Trial]) -> None:
    assert matching([trial("none", status="incompatible", reason="RuntimeError: Event loop is closed")]) == []


def test_what_is_known_of_openai_is_found(trial: Callable[..., Trial]) -> None:
    seen = trial("none", "logged", scenario="sequential-classifiers", evidence=SEEN[2][1])

    names = [issue.name for issue, _ in matching([seen])]

    assert "openai-python #1254" in names
    assert "llama_index #20433" in names
    assert not any(name.startswith(("python-genai", "anthropic")) for name in names)
