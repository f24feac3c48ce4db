"""Removes what identifies a person or opens a door from any text that a run produced.

A pure function of the text and of what there is to hide. It is the first layer: it knows secrets by their form and
the names that it is given, and it rather removes too much. It promises that redacting twice changes nothing more, and
that a text without secrets comes back as it was.
"""

from __future__ import annotations

import getpass
import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Names that identify nobody; hiding "root" would also spoil every "root cause".
_NOBODY = frozenset({"", "root", "user", "runner", "ubuntu", "nobody", "localhost"})

_KEYS = (
    r"(?<![A-Za-z0-9])(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}",  # OpenAI, Anthropic, Stripe
    r"AIza[A-Za-z0-9_-]{10,}",  # Google
    r"(?<![A-Za-z0-9])ya29\.[A-Za-z0-9._-]{8,}",
    r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|glpat-|hf_|pypi-|xox[abeprs]-)[A-Za-z0-9_-]{10,}",
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}",
    r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?",  # JSON web tokens
)
_BEARER = r"(?i:\b(?P<scheme>bearer|basic)\s+(?!<key>)(?=[A-Za-z0-9._~+/=-]*[0-9._~+/=-])[A-Za-z0-9._~+/=-]{6,})"
# A header, a query parameter or a field of a repr: the name stays, the value goes.
_NAMED = (
    r"(?i:(?P<name>(?:x-(?:goog-)?api-key|api[_-]?key|access[_-]?token|client[_-]?secret|password|passwd)"
    r"[\"']?\s*[=:]\s*[\"']?|[?&](?:key|token)=)(?P<value>(?!<key>|None\b)[^\s\"'&,;)}\]<>]+))"
)
_CREDENTIALS = r"(?i:(?P<url>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)(?!<credentials>@)[^\s/?#\"'<>]*@)"
_HOMES = (
    r"[A-Za-z]:[\\/]{1,2}Users[\\/]{1,2}[^\\/\s'\":;,<>|]+",
    r"/(?:home|Users)/[^/\s'\":;,<>|()]+",
    r"(?<![A-Za-z0-9_.])/root(?![A-Za-z0-9_.-])",
)
_IPV4 = r"(?<![\w.])(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?P<port4>:\d{1,5})?(?!\.?\d)"
_IPV6 = (
    r"\[(?P<v6b>[0-9A-Fa-f:.]{2,45})(?:%\w+)?\](?P<port6>:\d{1,5})?"
    r"|(?<![\w:.])(?P<v6>(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:(?:\.\d{1,3}){3})?)(?:%\w+)?(?![\w:])"
)
_PLACEHOLDER = r"(?P<done><(?:user|host|key|credentials|address)>)"


@dataclass(frozen=True)
class Secrets:
    """The names to hide: a home folder, a user name and a host name; an empty one hides nothing."""

    home: str = ""
    user: str = ""
    host: str = ""

    @classmethod
    def of_this_machine(cls) -> Secrets:
        """What this process can find out about where it runs; what it cannot find out stays empty."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a container without an entry for its user
            user = ""
        try:
            home = str(Path.home())
        except RuntimeError:
            home = ""
        return cls(home=home, user=user, host=socket.gethostname())


@lru_cache(maxsize=1024)  # thousands of trials say the same few things
def redact(text: str, secrets: Secrets) -> str:
    """The text with placeholders where a secret was: `~`, `<user>`, `<host>`, `<key>`, `<credentials>`, `<address>`."""
    pattern = _pattern(secrets)
    while (clean := pattern.sub(_replace, text)) != text:
        text = clean  # what a replacement leaves may show a secret that hung on to its front
    return text


def _whole_word(name: str) -> str:
    return rf"(?i:(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9]))"


@lru_cache(maxsize=8)
def _pattern(secrets: Secrets) -> re.Pattern[str]:
    homes = list(_HOMES)
    home = secrets.home.rstrip("/\\")
    if len(home) > 1 and home != "/root" and ("/" in home or "\\" in home):
        # The form inside a repr, with doubled backslashes, is the same folder.
        spellings = sorted({home, home.replace("\\", "\\\\")}, key=len, reverse=True)
        homes[:0] = [f"{re.escape(spelling)}(?![A-Za-z0-9])" for spelling in spellings]
    parts = [_PLACEHOLDER, f"(?P<key>{'|'.join(_KEYS)})", _BEARER, _NAMED, _CREDENTIALS, f"(?P<home>{'|'.join(homes)})"]
    for group, name in (("host", secrets.host), ("user", secrets.user)):
        words = {name, name.partition(".")[0]} if group == "host" else {name}
        words = {word for word in words if len(word) > 1 and word.lower() not in _NOBODY}
        if words:
            longest_first = sorted(words, key=lambda word: (-len(word), word))
            parts.append(f"(?P<{group}>{'|'.join(map(_whole_word, longest_first))})")
    return re.compile("|".join([*parts, _IPV4, _IPV6]))


def _replace(match: re.Match[str]) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "done" in found:
        return found["done"]
    if "scheme" in found:
        return f"{found['scheme']} <key>"
    if "name" in found:
        return f"{found['name']}<key>"
    if "url" in found:
        return f"{found['url']}<credentials>@"
    if "home" in found:
        return "~"
    for group in ("key", "host", "user"):
        if group in found:
            return f"<{group}>"
    address = found.get("v4") or found.get("v6b") or found.get("v6") or ""
    port = found.get("port4") or found.get("port6")
    return "<address>" if _is_address(address, bool(port)) else match.group()


def _is_address(text: str, has_port: bool) -> bool:
    """Without a port, a public address looks like a version number of four parts: that one stays."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    private = address.is_private or address.is_loopback or address.is_link_local
    return has_port or (private and not address.is_unspecified)
