"""The SDKs themselves, old and new, must understand what the server says."""

from __future__ import annotations

import json
import subprocess
import sys
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
    ("packages", "understood"),
    [
        (["openai==1.54.0", "httpx==0.27.2"], {"openai": CHAT}),
        (
            ["openai==2.54.0", "anthropic==0.125.0", "google-genai==2.34.0", "httpx==0.28.1"],
            {"openai": CHAT | RESPONSES, "anthropic": MESSAGES, "google-genai": GENERATE},
        ),
        (
            ["openai==3.54.0", "anthropic==2.12.0", "google-genai==3.4.0", "httpx2==2.16.2"],
            {"openai": CHAT | RESPONSES, "anthropic": MESSAGES, "google-genai": GENERATE},
        ),
    ],
    ids=["openai 1", "openai 2", "openai 3"],
)
def test_every_generation_of_sdks_understands(packages: list[str], understood: dict[str, Any]) -> None:
    wanted = [word for package in packages for word in ("--with", package)]
    uv = ["uv", "run", "--no-project", "--isolated", "--no-build", "--python", sys.executable, *wanted]
    with ProviderServer() as server:
        ran = subprocess.run(
            # uv must not trust this server alone: the variable is for the program that it starts.
            [
                *uv,
                "env",
                f"SSL_CERT_FILE={server.ca_file}",
                "python",
                str(CLIENT),
                server.trial_url("sdks"),
                *understood,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == understood
        assert server.account("sdks").retries == 0
