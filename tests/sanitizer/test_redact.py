"""The sanitizer removes secrets from command lines, code and messages, and leaves the rest of them as it is."""

from __future__ import annotations

import json
import sys

import pytest

from diagnostics.sanitizer.output.redact import command_line, redact, redact_text
from tests.redaction.canaries import DISGUISES, SPELLINGS, traces

CANARY = "PlacedCanary4711"
ARGUMENTS = (
    [f"Authorization: Bearer {CANARY}"],
    ["-H", f"x-api-key: {CANARY}"],
    [f"password={CANARY}"],
    ["password=PlacedCanary"],
    [f"https://h.example/v1?a=1&api_key={CANARY}"],
    ["--credential", CANARY],
    ["--auth", CANARY],
    ["--pwd", CANARY],
    ["--pwd=" + CANARY],
    ["--user", f"me:{CANARY}"],
    [f"--user=me:{CANARY}"],
    ["-u", f"me:{CANARY}"],
    [json.dumps({"api_key": CANARY})],
    ["Ocp-Apim-Subscription-Key:", CANARY],
    ["Authorization:", "Bearer", CANARY],
    [f"myApiKey={CANARY}"],
    [f"GROQKEY={CANARY}"],
    ["--session-id", CANARY],
    ["--cookie", f"{CANARY}zQ8"],
)
CODE = (
    f'headers={{"api-key": "{CANARY}"}}',
    f"client = AsyncOpenAI(api_key='{CANARY}')",
    f'httpx.get(url, headers={{"Authorization": "Bearer {CANARY}"}})',
    "PlacedCanary4711zQ8vT3kLm9Xc2Vb7Nn4Qw1Er6Ty5Ui0P7aB3dE5fG7hJ9kM1",
    "-----BEGIN PRIVATE KEY-----\nPlacedCanary4711\n-----END PRIVATE KEY-----",
)
HARMLESS = (
    "client = AsyncOpenAI(api_key=settings.api_key)",
    'client = AsyncOpenAI(api_key=os.environ["OPENAI_API_KEY"])',
    'headers={"Authorization": f"Bearer {key}"}',
    'headers={"Authorization": token}',
    "client = Client(headers={'X-Api-Key': self.settings.key})",
    "token = self._token; max_tokens=4096; key=lambda pair: pair[0]; password: str | None = None",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "version 10.0.0.1; text='abc'",
    "listening on 10.0.0.2\n12:30 ready",
)


@pytest.mark.parametrize("words", ARGUMENTS, ids=" ".join)
def test_no_secret_of_a_command_line_is_shown(words: list[str]) -> None:
    assert "PlacedCanary" not in " ".join(command_line(["app.py", *words]))


@pytest.mark.parametrize("text", CODE)
def test_no_secret_of_a_line_of_code_is_shown(text: str) -> None:
    assert "PlacedCanary" not in redact_text(text)


@pytest.mark.parametrize("spelling", [*SPELLINGS, *DISGUISES])
@pytest.mark.parametrize("secret", ["sk-proj-CanaryOfOpenAi4711abcdefGHIJ", "canary.of no form! at all"])
def test_no_value_of_a_variable_is_shown_in_any_spelling(
    monkeypatch: pytest.MonkeyPatch, spelling: str, secret: str
) -> None:
    monkeypatch.setenv("MY_SESSION_TOKEN", secret)
    disguise = {**SPELLINGS, **DISGUISES}[spelling]
    assert traces(redact_text(f"text = {disguise(secret)}"), [secret]) == []


UUID = "7f3b2a10-1c2d-4e5f-8a9b-0c1d2e3f4a5b"


@pytest.mark.parametrize("option", ["--api-key", "--dsn", "--session-id", "--signature", "--webhook", "--pat"])
def test_a_uuid_is_a_key_after_an_option_that_says_so(option: str) -> None:
    assert command_line(["app.py", option, UUID]) == ["app.py", option, "<key>"]
    assert redact_text(f"app.py {option} {UUID} x") == f"app.py {option} <key> x"
    assert redact_text(f"app.py {option}={UUID} x") == f"app.py {option}=<key> x"


@pytest.mark.parametrize("option", ["--request", "--id", "--run", "--project", "-p", "--compat", "--trace"])
def test_a_uuid_is_evidence_after_any_other(option: str) -> None:
    assert command_line(["app.py", option, UUID]) == ["app.py", option, UUID]
    assert redact_text(f"app.py {option} {UUID}") == f"app.py {option} {UUID}"


def test_the_value_of_an_option_is_known_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", ["diagnostics", "run", "app.py", "--api-key", UUID, "--token=Zx81Kq", "--limit=500000"]
    )
    assert redact_text(f"request {UUID} of 500000 with Zx81Kqab") == "request <key> of 500000 with Zx81Kqab"
    assert redact_text(UUID[::-1]) == "<key>"


def test_control_characters_are_visible_in_the_document() -> None:
    assert redact({"argv": ["\x1b[31m\x00\u202e\x9b\u2066"]}) == {"argv": ["\ufffd[31m\ufffd\ufffd\ufffd\ufffd"]}


@pytest.mark.parametrize("text", HARMLESS)
def test_code_without_a_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_a_command_line_without_a_secret_stays() -> None:
    words = ["app.py", "--model", "gpt-5", "--max-tokens=5", "--user", "me", "text=abc", "https://h.example/?q=1"]
    words += [
        "monkey=5",
        "keyword=abc",
        "tokenizer=abc",
        "keys=3",
        "--hotkey",
        "F5",
        "author=Jane",
        "version",
        "10.0.0.1",
    ]
    assert command_line(words) == words


@pytest.mark.parametrize(
    "word", ["a" * 50_000, "x-" * 25_000, "key" * 15_000, "--" * 25_000], ids=lambda word: word[:3]
)
def test_a_long_word_of_a_command_line_is_read_once(word: str) -> None:
    assert command_line([word]) == [word]
