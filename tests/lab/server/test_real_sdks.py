"""The SDKs themselves, old and new, must understand what the server says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.lab.server import ProviderServer

CLIENT = Path(__file__).with_name("sdk_client.py")
ECHO = "echo: héllo ☃ wörld, what is 2 + 2?"

CHAT = {
    "chat": ECHO,
    "chat valid": True,
    "chat usage adds up": True,
    "chat request id": True,
    "chat stream": ECHO,
    "chat stream usage": True,
    "chat stream at least 4": True,
    "embeddings": [2, 1536, True],
    "models": True,
    "model": "a/b",
    "bad request": "invalid_request_error",
    "async chat": ECHO,
    "async chat stream": ECHO,
}
RESPONSES = {
    "responses": ECHO,
    "responses valid": True,
    "responses stream": ECHO,
    "responses stream final": ECHO,
    "responses stream status": "completed",
}
MESSAGES = {
    "messages": ECHO,
    "messages valid": True,
    "messages stop": "end_turn",
    "messages request id": True,
    "messages stream": ECHO,
    "messages stream final": [ECHO, "end_turn", True],
    "messages stream events": [
        "message_start",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ],
    "bad request": "invalid_request_error",
    "async messages": ECHO,
    "async messages stream": ECHO,
}
GENERATE = {
    "generate": ECHO,
    "generate finish": "STOP",
    "generate model": "gemini-2.5-flash",
    "generate stream": ECHO,
    "generate stream at least 4": True,
    "chat": ECHO,
    "bad request": "INVALID_ARGUMENT",
    "async generate": ECHO,
    "async generate stream": ECHO,
}


@pytest.mark.environment
@pytest.mark.parametrize(
    ("generation", "understood"),
    [
        ("openai-1", {"openai": CHAT | RESPONSES}),
        ("openai-2", {"openai": CHAT | RESPONSES, "anthropic": MESSAGES, "google-genai": GENERATE}),
        ("openai-3", {"openai": CHAT | RESPONSES, "anthropic": MESSAGES, "google-genai": GENERATE}),
    ],
)
def test_every_generation_of_sdks_understands(
    generation: str, understood: dict[str, Any], sdk_python: Callable[[str], Path]
) -> None:
    python = sdk_python(generation)
    with ProviderServer() as server:
        ran = subprocess.run(
            [python, str(CLIENT), server.trial_url("sdks"), *understood],
            env={**os.environ, "SSL_CERT_FILE": str(server.ca_file)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == understood
        assert server.account("sdks").retries == 0
