"""The provider server: the APIs of all SDKs over HTTPS on loopback, with request counts and faults for each trial."""

from diagnostics.lab.server.faults import Faults
from diagnostics.lab.server.ledger import Account
from diagnostics.lab.server.provider_server import ProviderServer, ServerError

__all__ = ["Account", "Faults", "ProviderServer", "ServerError"]
