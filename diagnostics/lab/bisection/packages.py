"""The packages whose releases can be searched, and what is known of each that no index says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        provider: whose client shows a change in it, unless a person names another one.
        first: the first release that can be asked: before it there is no async client; "" for all.
        tag: what its repository writes before a version; for the link that compares two releases.
        requirements: what else the environment needs, so that the package is used at all.
        loop: the event loop that the trials run on.
        module: what a program imports; "" where it is called like the package.
    """

    provider: str
    first: str = ""
    tag: str = ""
    requirements: tuple[str, ...] = ()
    loop: str = "asyncio"
    module: str = ""


PACKAGES: Final[dict[str, Package]] = {
    "openai": Package("openai", first="1.0.0", tag="v"),
    # 0.3.0 has an async client, but nothing before 0.16.0 has messages, which is how it is asked.
    "anthropic": Package("anthropic", first="0.16.0", tag="v"),
    "google-genai": Package("google-genai", tag="v", module="google.genai"),
    "httpx": Package("httpx", first="0.11.0"),
    "httpx2": Package("httpx2", first="2.0.0"),
    "httpcore": Package("httpx", first="0.9.0", requirements=("httpx",)),
    "httpcore2": Package("httpx2", first="2.0.0", requirements=("httpx2",)),
    "anyio": Package("openai", first="3.0.0", requirements=("openai",)),
    # google-genai takes aiohttp as soon as it can be imported.
    "aiohttp": Package("google-genai", first="3.8.0", tag="v", requirements=("google-genai",)),
    "uvloop": Package("openai", tag="v", requirements=("openai",), loop="uvloop"),
}
