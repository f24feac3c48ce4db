"""What this machine must keep: names, folders, and the values of secret variables."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.libraries import endpoints, named
from diagnostics.model.secret_forms import ANY_KEY, SHORTEST_SECRET, is_secret_name
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS, VERDICTS

_TABLES = (SYMPTOMS, STATUSES, SEVERITIES, VERDICTS, FINDING_KINDS, PROVIDERS, SCENARIOS, FIXES)
NOBODY: Final = frozenset(
    {
        *("", "root", "user", "users", "home", "runner", "ubuntu", "nobody", "localhost", "admin"),
        *(part for table in _TABLES for name in table for part in (name, *re.split(r"\W+", name))),
        *named("sdk", "client", "pool", "transport", "loop"),
        *("asyncio", "python", "linux", "fork", "cold"),
        *("default", "smoke", "full"),
    }
)
"""Names that identify no person: hiding "root" would spoil every "root cause", and hiding "openai" every record."""

PUBLIC_HOSTS: Final = re.compile(
    r"(?:.+\.)?(?:python\.org|github\.com|githubusercontent\.com|readthedocs\.io|pydantic\.dev|mozilla\.org"
    rf"|huggingface\.co|{'|'.join(re.escape(host) for each in endpoints() for host in each.hosts)})"
    r"|localhost|127\.0\.0\.1|::1",
    re.IGNORECASE,
)
"""Hosts that everybody uses: a variable that names one says nothing about its owner."""

_NAMES = ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "LNAME")
_HOSTS = ("HOSTNAME", "HOST", "COMPUTERNAME")
_HOMES = ("HOME", "USERPROFILE")


@dataclass(frozen=True)
class Secrets:
    """What has to be hidden; an empty field hides nothing.

    Attributes:
        home: a home folder.
        user: a user name.
        host: a host name.
        known: further known values, each with its kind (of `KINDS`).
        content: whether prompts and answers may stay (`--with-content`).
    """

    home: str = ""
    user: str = ""
    host: str = ""
    known: tuple[tuple[str, str], ...] = ()
    content: bool = False

    @classmethod
    def of_this_machine(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        folders: Mapping[str, str] | None = None,
        content: bool = False,
    ) -> Secrets:
        """What this process can find out about its machine; the rest stays empty.

        Args:
            environ: the variables; those of this process by default.
            folders: more folders to name by their kind alone, such as the cache.
            content: whether prompts and answers may stay.
        """
        environ = os.environ if environ is None else environ
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a container without an entry for its user
            user = ""
        try:
            home = str(Path.home())
        except RuntimeError:
            home = ""
        known = {
            (text, kind)
            for text, kind in (*_of_the_account(), *_of_variables(environ), *_of_folders(folders or {}, home))
            if text
        }
        return cls(home, user, socket.gethostname(), tuple(sorted(known)), content)


def _of_the_account() -> Iterator[tuple[str, str]]:
    """The user as the system knows them, whatever the variables say."""
    yield platform.node(), "host"
    with suppress(ImportError, KeyError, OSError):
        import pwd  # noqa: PLC0415 - not on Windows

        account = pwd.getpwuid(os.getuid())
        yield account.pw_name, "user"
        yield account.pw_dir, "home"
        full_name = account.pw_gecos.split(",")[0]
        if " " in full_name:
            yield full_name, "user"


def _of_variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        upper = name.upper()
        if upper in _NAMES:
            yield value, "user"
        elif upper in _HOSTS:
            yield value, "host"
        elif upper in _HOMES:
            yield value, "home"
        elif upper == "NO_PROXY" or upper.endswith("TRUSTED_HOST"):
            yield from _private_hosts(re.split(r"[\s,]+", value))
        elif is_secret_name(name) or ANY_KEY.search(value):
            yield value.strip(), "key"
        if "://" in value:
            # UV_INDEX and PIP_EXTRA_INDEX_URL hold several, some with a name in front of them.
            for word in value.split():
                yield from _of_url("https://" + word.partition("://")[2])
        elif upper.endswith("_PROXY") and value:
            yield from _of_url(f"http://{value}")


def _of_url(text: str) -> Iterator[tuple[str, str]]:
    try:
        url: SplitResult = urlsplit(text)
        parts = [(url.username, "user"), (url.password, "key")]
        host = url.hostname or ""
    except ValueError:
        return
    for part, kind in parts:
        # Left of the @ a name may be a token as well.
        for spelling in {part or "", unquote(part or "")}:
            yield spelling, "key" if len(spelling) >= SHORTEST_SECRET else kind
    for value in re.findall(r"[?&][^=&]*=([^&]*)", f"?{url.query}"):
        yield value if len(value) >= SHORTEST_SECRET else "", "key"
    yield from _private_hosts([host])


def _private_hosts(hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each in hosts:
        host = each.partition("://")[2] or each
        host = re.sub(r":\d+$", "", host).strip("*.[] ")
        # A name of one word may be any word.
        if not PUBLIC_HOSTS.fullmatch(host) and not re.fullmatch(r"[\d./:]*", host) and re.search(r"[.\d-]", host):
            yield host, "host"


def _of_folders(folders: Mapping[str, str], home: str) -> Iterator[tuple[str, str]]:
    here = tmp = ""
    with suppress(OSError):  # the folder is gone
        here = str(Path.cwd())
    with suppress(OSError):  # the disk is full
        tmp = tempfile.gettempdir()
    every = {**folders, "tmp": tmp, "here": here}
    for kind, folder in every.items():
        for spelling in {folder, os.path.realpath(folder)} if folder else ():
            if len(spelling) > 1 and spelling != home:
                yield spelling, kind
