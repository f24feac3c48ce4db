"""Nothing that `run` prints or writes has a secret of the program or a control character that it planted."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.redaction.canaries import traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

KNOWN = "canary.of no form! at all"
PLACED = "PlacedCanary4711x"
FORMED = "sk-proj-CanaryOfOpenAi4711abcdefGHIJ"
RAW = re.compile(
    "[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b(?![\\[\\]\\\\])"
)
NAME = "program\x1b]0;canary\x07\u202e.py"
ARGUMENTS = (
    *("--credential", PLACED, f"--auth={PLACED}", "--user", f"me:{PLACED}", "-H", f"Authorization: Bearer {PLACED}"),
    *(f'{{"api_key": "{PLACED}"}}', f"https://h.example/?api_key={PLACED}", f"https://me:{PLACED}@h.example/"),
    *("Ocp-Apim-Subscription-Key:", PLACED, FORMED, base64.b64encode(KNOWN.encode()).decode(), "\x9b31m"),
)
PROGRAM = f"""
import asyncio, os, subprocess, sys

def use(loop, headers=None):
    try:
        loop.call_soon(print)
    except RuntimeError:
        pass

loop = asyncio.new_event_loop(); loop.close()
use(loop, headers={{"api-key": "{PLACED}", "Authorization": "Basic {PLACED}"}})  # \u202e
use(loop, "{FORMED} {KNOWN.encode().hex()} https://me:{PLACED}@h.example/?sig={PLACED}")
subprocess.run([sys.executable, "-c", "pass", "--token", "{PLACED}"])
if os.fork() == 0:
    use(loop, "-----BEGIN PRIVATE KEY-----\\n{PLACED}\\n-----END PRIVATE KEY-----")
    os.kill(os.getpid(), 9)
os.wait()
"""


@pytest.mark.parametrize(
    "options",
    [(), ("--full",), ("--color", "always"), ("--format", "github"), ("--format", "sarif"), ("--live",), ("--follow",)],
    ids=" ".join,
)
def test_no_output_has_a_secret_or_a_control_character(
    run: Callable[..., Ran], tmp_path: Path, options: tuple[str, ...]
) -> None:
    program = tmp_path / NAME
    program.write_text(PROGRAM)
    ran = run("none", program, *ARGUMENTS, options=options, more={"MY_SESSION_TOKEN": KNOWN, "OPENAI_API_KEY": FORMED})
    assert ran.findings, ran.errors
    for text in (ran.output, ran.errors, (tmp_path / "findings.json").read_text()):
        assert traces(text, (PLACED, KNOWN, FORMED)) == []
        assert RAW.findall(text) == []
        assert ("\x1b" in text) == ("--color" in options and text is ran.errors)
    assert "call_soon" in ran.errors or "--format" in options, "the evidence stays"


def test_an_error_message_has_no_control_character(run: Callable[..., Ran]) -> None:
    ran = run("none", f"missing{NAME}")
    assert (ran.status, RAW.findall(ran.errors)) == (2, [])
    assert "\x1b" not in ran.errors
    assert sys.executable not in ran.output
