"""A certificate authority for one run: clients verify for real, and nothing secret stays on disk."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")
"""The names that the server's certificate is good for."""


def issue(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Makes an authority and a server certificate.

    Args:
        folder: a private folder. The server's key passes through it as a file of mode 0600, because OpenSSL is given a
            path, and is removed at once; the authority's key never leaves memory.

    Returns:
        The server's TLS context, and the PEM file of the authority for `SSL_CERT_FILE`.
    """
    # Elliptic curves: 10 ms for both keys, where RSA takes 130 ms.
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert(*NAMES, key_type=trustme.KeyType.ECDSA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    with leaf.private_key_and_cert_chain_pem.tempfile(dir=str(folder)) as path:
        context.load_cert_chain(path)
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    return context, ca_file
