"""The local provider in the place of services that cost money, for SDKs that read their address from a variable."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from diagnostics.lab.server import ProviderServer
from diagnostics.model.libraries import endpoints

KEY: Final = "local-provider"


@contextmanager
def local_provider(variables: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """Starts the local provider.

    Args:
        variables: those that the program has. A base URL on this machine stays: nobody bills it.
        folder: where the certificates that the program is to trust are written.

    Yields:
        The variables, with what leads every SDK to it. The real keys are left out.
    """
    with ProviderServer() as server:
        changed = dict(variables)
        for each in endpoints():
            if is_local(variables.get(each.url_variable, "")):
                continue
            changed[each.key_variable] = KEY
            if each.url_variable:
                changed[each.url_variable] = server.url + each.path
        trusted = folder / "trusted.pem"
        trusted.write_bytes(_certificates(variables) + server.ca_file.read_bytes())
        local = "localhost,127.0.0.1"
        for name in ("NO_PROXY", "no_proxy"):
            changed[name] = ",".join(filter(None, (variables.get(name), local)))
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            changed[name] = str(trusted)
        yield changed


def is_local(url: str) -> bool:
    """Returns whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _certificates(variables: Mapping[str, str]) -> bytes:
    """The certificates that the program trusts already."""
    usual = variables.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    with suppress(OSError):
        return Path(usual).read_bytes() + b"\n" if usual else b""
    return b""
