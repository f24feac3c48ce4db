"""Canaries planted anywhere in any text never come out; what is no secret stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.words import FINDING_KINDS, STATUSES, SYMPTOMS, VERDICTS
from diagnostics.redaction import Secrets, redact

ME = Secrets(home="/srv/people/marple", user="marple", host="stmary-mead.example")
# What is written, and the part of it that nobody may read.
CANARIES = {
    "sk-proj-Canary1234567890": "Canary",
    "sk-ant-api03-Canary_1234-567890": "Canary",
    "AIzaCanary123456789012345": "Canary",
    "ghp_Canary1234567890123456": "Canary",
    "Authorization: Bearer Canary-12345.67890": "Canary",
    "bearer Canary0123456789==": "Canary",
    "x-api-key: Canary-value": "Canary",
    "x-goog-api-key=Canary-value": "Canary",
    "api_key='Canary-value'": "Canary",
    "/models?key=Canary-value&alt=sse": "Canary",
    "https://canary:word@proxy.example:3128/x": "canary",
    "https://Canary-token@index.example/simple": "Canary",
    "/srv/people/marple/notes.py": "/srv/people",
    "/home/canary/notes.py": "canary",
    "/Users/canary/notes.py": "canary",
    r"C:\Users\canary\notes.py": "canary",
    r"'C:\\Users\\canary\\notes.py'": "canary",
    "file:///root/notes.py": "root",
    "run by marple (uid 7)": "marple",
    "/tmp/pytest-of-Marple_1/x": "Marple",
    "to stmary-mead.example failed": "stmary",
    "on STMARY-MEAD, alas": "STMARY",
    "127.0.0.1:8443": "127",
    "('127.0.0.1', 49152)": "127",
    "10.1.2.3": "10.1",
    "192.168.178.20:80": "192",
    "172.20.0.3": "172",
    "169.254.169.254": "169",
    "8.8.8.8:53": "8.8",
    "[::1]:8443": "::1",
    "fe80::1%eth0": "fe80",
    "fd00:aa::17": "fd00",
}
INNOCENT = [
    "RuntimeError: Event loop is closed",
    "Because openai==3.54.0 depends on httpx2>=2.0, we conclude that python 3.10.13 cannot be used.",
    "the root cause; a user of the host; task-destroyed-again; risk-free-stuff-here; basic understanding",
    "at 12:30:45 in tests/x.py::test_one, std::move, a[::2], ::, 0.0.0.0, version 1.2.3.4",
    "File '/usr/lib/python3.13/asyncio/base_events.py', line 556, in _check_closed",
    "https://docs.python.org/3/library/asyncio.html?key#anchor",
    "api_key=None",
    *FINDING_KINDS,
    *(f"{word}: {said}" for table in (STATUSES, SYMPTOMS, VERDICTS) for word, said in table.items()),
]


@pytest.mark.parametrize(("canary", "secret"), CANARIES.items())
@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_planted_canary_never_comes_out(canary: str, secret: str, before: str, after: str) -> None:
    if secret in before + after:
        return
    assert secret not in redact(f"{before}\n{canary}\n{after}", ME)


@given(st.lists(st.sampled_from(list(CANARIES)), max_size=6), st.sampled_from([" ", "\n", ", ", "; ", " | "]))
def test_canaries_do_not_shield_each_other(planted: list[str], between: str) -> None:
    clean = redact(between.join(planted), ME)
    for canary in planted:
        assert CANARIES[canary] not in clean.replace("<address>", "")


@given(st.lists(st.sampled_from([*CANARIES, *INNOCENT]) | st.text(max_size=10), max_size=6).map("".join))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text, ME)
    assert redact(once, ME) == once


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text, ME) == text


@pytest.mark.parametrize("name", ["", "/", "root", "user", "localhost", "x"])
def test_names_that_identify_nobody_hide_nothing(name: str) -> None:
    text = "the root of x is / for each user on localhost"
    assert redact(text, Secrets(home=name, user=name, host=name)) == text


def test_a_user_named_like_a_placeholder_does_not_break_it() -> None:
    secrets = Secrets(user="cookie", host="address")
    once = redact("sk-abcdefgh12 cookie address 10.0.0.1", secrets)
    assert once == redact(once, secrets) == "<key> <user> <host> <address>"


def test_placeholders_say_what_was_there() -> None:
    said = "marple@stmary-mead.example: /srv/people/marple/a.py https://a:b@10.0.0.1:80/ Bearer abc123def"
    assert redact(said, ME) == "<user>@<host>: ~/a.py https://<credentials>@<address>/ Bearer <key>"


def test_this_machine_hides_its_own_home() -> None:
    mine = Secrets.of_this_machine()
    if len(mine.home) > 1:
        assert mine.home not in redact(f"in {mine.home}/x.py", mine)
