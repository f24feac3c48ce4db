"""No canary comes out of a text, however it is spelled and wherever it stands; what is no secret stays as it was."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.model.placeholders import sentence, together
from diagnostics.redaction import KINDS, Secrets, bounded, redact, taken
from diagnostics.redaction.matching import all_forms, sweep
from diagnostics.redaction.patterns import Form
from diagnostics.redaction.text import LONGEST
from diagnostics.sanitizer.output.redact import redact_text
from tests.redaction.canaries import (
    BARE_KEYS,
    DISGUISES,
    FORMED,
    KNOWN,
    NAMED,
    PLACED,
    RANDOM,
    SPELLINGS,
    VARIABLES,
    WORDS,
    traces,
)

ME = Secrets.of_this_machine(VARIABLES)
EVERY = (*KNOWN, *FORMED)
FRAMES = (
    "{}",
    "RuntimeError: {} (see above)",
    'File "/usr/lib/python3.13/x.py", line 3, in {}\n    raise',
    "openai.APIConnectionError: cannot reach '{}'\n<- OSError: \"{}\"",
    "https://h.example/a?b={}",
    "[{}, {}]",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(canary=st.sampled_from([*KNOWN, *FORMED]), frame=st.sampled_from(FRAMES))
@settings(max_examples=25)
def test_what_is_known_comes_out_in_no_spelling(spelling: str, canary: str, frame: str) -> None:
    said = frame.replace("{}", SPELLINGS[spelling](canary))
    assert traces(redact(said, ME), [canary]) == []


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("value", [value for value in KNOWN if value.startswith(("sk-", "canary.of"))])
def test_a_known_value_comes_out_in_no_disguise(value: str, disguise: str) -> None:
    shown = redact(f"before {DISGUISES[disguise](value)} after", ME)
    assert re.sub(r"[\[\]']", "", shown) == "before <key> after"


@pytest.mark.parametrize("text", BARE_KEYS)
def test_a_key_is_known_by_its_form_or_by_its_name(text: str) -> None:
    shown = redact(f"before {text} after", ME)
    assert "0a1b" not in shown
    assert "Ab3/" not in shown
    assert shown.startswith("before ")
    assert shown.endswith("<key> after")


@pytest.mark.parametrize("clean", [lambda text: redact(text, ME), redact_text], ids=["lab", "sanitizer"])
def test_a_name_or_a_call_says_that_a_value_is_a_key(clean: Callable[[str], str]) -> None:
    planted = [place.format(RANDOM) for place in NAMED] + [place.format("correct-horse-battery") for place in WORDS]
    assert [text for text in planted if RANDOM in clean(text) or "correct-horse" in clean(text)] == []
    evidence = (
        "keyword=Abcdef123456Xyz; primary_key=True, _V2WrapType = TypeVar('_V2WrapValidatorType', bound=int)",
        "token = await get_token(); auth=auth, cookies=cookies, headers=headers, sorted(names, key=len)",
        "gpt-4o-mini-2024-07-18, max_tokens=4096, eos_token_id=50256, pad_token='<pad>', token_type='bearer'",
        "Path('/opt/Abc123Def456Ghi'), --key-file=/etc/x1.pem, unexpected token 'Task-12', key: value",
    )
    assert [text for text in evidence if clean(text) != text] == []


def test_an_address_behind_the_translation_of_a_carrier_is_private() -> None:
    assert redact("in 100.64.3.4 now", ME) == "in <address> now"


@pytest.mark.parametrize("spelling", ["plain", "percent", "json", "json in json", "base64", "hexadecimal"])
@pytest.mark.parametrize("place", PLACED)
def test_what_stands_in_the_place_of_a_secret_does_not_come_out(place: str, spelling: str) -> None:
    said = SPELLINGS[spelling](place.format(PLACED[place]))
    assert traces(redact(f"before {said} after", ME), [PLACED[place]]) == []


PLANTED = st.one_of(
    st.builds(
        lambda spelling, canary: (SPELLINGS[spelling](canary), canary),
        st.sampled_from([*SPELLINGS]),
        st.sampled_from(EVERY),
    ),
    st.sampled_from([(place.format(canary), canary) for place, canary in PLACED.items()]),
    st.sampled_from([("Traceback (most recent call last):", None), ("RuntimeError: Event loop is closed", None)]),
)


@given(st.lists(PLANTED, min_size=2, max_size=5), st.sampled_from(["\n", " ", ", ", "; "]))
@settings(max_examples=100)
def test_canaries_do_not_shield_each_other(planted: list[tuple[str, str | None]], between: str) -> None:
    said = between.join(text for text, _ in planted)
    assert traces(redact(said, ME), [canary for _, canary in planted if canary]) == []


@given(st.lists(st.sampled_from([*EVERY, *PLACED, *KINDS.values()]) | st.text(max_size=8), max_size=6).map("".join))
@settings(max_examples=60)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text, ME)
    assert redact(once, ME) == once


HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
INNOCENT = (
    f"openai==3.54.0 --hash=sha256:{HASH}",
    f"sha256:{HASH} of py3.13_openai-3.54.0_httpx2-2.16.2_anthropic-2.12.0_google-genai-3.4.0-efafbb2a",
    "trial 357d39644bf7ea02 at 0x7f40a8668150, Task-70, HTTP11ConnectionByteStream, AsyncHTTP2ConnectionPool",
    "token = self._token; max_tokens=4096; key=lambda pair: pair[0]; password: str | None = None",
    "Because pydantic==2.14.3 depends on pydantic-core==2.50.4, these versions are in conflict.",
    "text=text, content=content, messages=[message], input=None, system = platform.system()",
    "a 100% sure thing & nothing else; C:\\notes\\today.txt; \\d+\\.\\d+; %s of %d; &copy; &unknown;",
    "the basic idea of a cookie, an authorization, a bearer; skip-this-one; ask-me-anything-you-like",
    "https://github.com/openai/openai-python/issues/1254, https://docs.python.org/3/library/asyncio.html#x",
    "  x = [\n    'one',\n    'two'\n  ]\n",
    "httpx 0.28.1\n12:30 ready; text='abc'; monkey=5; version 10.0.0.1; docker run -u 1000:1000 app",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b; 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "12:30:45, 1:2:3, 2026-11-22T04:33:00+00:00, 1.2.3.4, 3.13.0, ::, std::vector",
    "deque([(<aiohttp.client_proto.ResponseHandler object at 0x7f3381a75dd0>, 8287.773127335)])",
    "Task-70 coro=<AsyncClient.aclose() done, defined at httpx2/_client.py:2192>",
    f"{HASH} and da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "version 10.0.0.1, package==10.0.0.2 now",
    "package-10.0.0.1.post1.tar.gz 10.0.0.1.dev3, 10.0.0.1rc1",
    "webhook: https://docs.example.com/webhooks, webhook=https://example.com/guide/v2/start",
    "label(text='abc'), use --token or --api-key, API key: missing",
    "request 7f3b2a10-1c2d-4e5f-8a9b-0c1d2e3f4a5b, [1, 2, 3, 4, 5, 6, 7, 8, 9], na\xefve caf\xe9",
    "aGVsbG8gd29ybGQsIHRoaXMgaXMgZmluZQ==",
    "68656c6c6f20776f726c64",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text, ME) == text
    assert redact(json.dumps({"said": text}), ME) == json.dumps({"said": text})


@given(st.lists(st.sampled_from(INNOCENT) | st.text("abcdefg XYZ,.()\n", max_size=12), max_size=5).map("\n\n".join))
@settings(max_examples=40)
def test_no_secret_comes_from_putting_texts_together(text: str) -> None:
    assert redact(text, ME) == text


def test_content_stays_where_a_person_asks_for_it_and_nothing_else_does() -> None:
    said = "{'role': 'user', 'content': 'my question'}, api_key='PlacedCanary-1', sk-proj-Canary1234567890"
    shown = redact(said, Secrets(content=True))
    assert shown == "{'role': 'user', 'content': 'my question'}, api_key='<key>', <key>"


def test_a_key_of_no_known_form_is_found_by_its_randomness() -> None:
    assert (
        redact("used Zq8vT3kLm9Xc2Vb7Nn4Qw1Er6Ty5Ui0P, then 0123456789abcdef0123456789abcdeF", ME)
        == "used <key>, then <key>"
    )


def test_the_without_detected_keys_is_asked() -> None:
    vendor = "AKCp8" + "aB3dE5fG7h" * 7
    assert redact(f"jfrog: {vendor}", ME) == "jfrog: <key>"
    assert redact("softlayer_api_key = " + "0a1b2c3d" * 8, ME) == "softlayer_api_key = <key>"


def test_what_was_taken_is_counted_by_kind() -> None:
    said = "sk-proj-Canary1234567890 and ghp_Canary1234567890123456 in /srv/people/canarymarple/a.py, see ~/b.py"
    assert taken(said, redact(said, ME)) == {"key": 2, "home": 1}
    assert taken(said, said) == {}
    assert together({"home": 1, "key": 2}, {"key": 1, "unheard-of": 4}) == {"key": 3, "home": 1}
    assert sentence({"key": 1, "home": 1200}) == "Redacted: 1,201 pieces of text."
    assert sentence({}) == "Redacted: nothing."
    assert sentence(None) == "How much was redacted is not known."


HOSTILE = (
    *(
        "a",
        "/root",
        "sk-",
        "://",
        "a@",
        "%41",
        "\\",
        "\\u0041",
        "key=",
        "=",
        '"',
        "content='",
        "[",
        "1.",
        "0a",
        "QUFB\n",
        "mar\n",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "Cookie: a=",
        "sk-aaaaaaaa/root",
        "10.0.0.1.",
        "a:b@",
        "&#65;",
        "\\\\n",
        "x-api-key: ",
    ),
)
"""Made to cost a pattern more than their length when they are repeated."""


class Work:
    """How many characters one pass after the other was handed."""

    def __init__(self, length: int, piece: str) -> None:
        self.characters = 0
        text = (piece * (length // len(piece) + 1))[:length]
        before = sys.getprofile()
        sys.setprofile(self._called)
        try:
            redact.__wrapped__(text, ME)
        finally:
            sys.setprofile(before)

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is sweep.__code__:
            self.characters += len(frame.f_locals["text"])


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_is_looked_through_as_often_as_any_other(piece: str) -> None:
    few, many = Work(2_000, piece), Work(16_000, piece)
    assert many.characters <= 8 * few.characters * 1.3 + 4_000


def test_a_line_of_ten_megabytes_is_cut_before_it_is_looked_at() -> None:
    line = "x" * 5_000_000 + " sk-proj-Canary1234567890 " + "y" * 5_000_000
    short = bounded(line)
    assert len(short) < LONGEST + 100
    assert bounded(short) == short or len(bounded(short)) <= len(short)
    assert "characters" in short


@given(
    st.lists(st.sampled_from([*EVERY, *PLACED, *KINDS.values(), *INNOCENT, *HOSTILE]) | st.text(max_size=8)),
    st.sampled_from(["", " ", "\n"]),
)
@settings(max_examples=100)
def test_leaving_out_the_forms_that_match_nowhere_changes_nothing(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    shown = redact.__wrapped__(text, ME)
    with pytest.MonkeyPatch.context() as every_form_is_tried:
        every_form_is_tried.setattr(Form, "is_in", lambda *_: True)
        assert redact.__wrapped__(text, ME) == shown


@pytest.mark.parametrize("form", all_forms(ME), ids=lambda form: form.kind)
def test_what_a_form_needs_is_in_every_text_that_it_matches(form: Any) -> None:
    """Without one of those pieces the form is not tried: a wrong one would be a hole."""
    pattern = re.compile(form.pattern)
    texts = [place.format(canary) for place, canary in PLACED.items()] + [*KNOWN, *FORMED, *INNOCENT]
    texts += [spell(text) for spell in SPELLINGS.values() for text in (*KNOWN, *FORMED)]
    for text in texts:
        if pattern.search(text):
            assert any(piece in text.lower() for piece in form.needs)
