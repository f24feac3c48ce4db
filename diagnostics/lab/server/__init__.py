"""The provider server: OpenAI, Anthropic and Gemini over real HTTPS on loopback, counting and failing per trial."""

from diagnostics.lab.server.faults import Faults
from diagnostics.lab.server.ledger import Account
from diagnostics.lab.server.provider_server import ProviderServer, ServerError

__all__ = ["Account", "Faults", "ProviderServer", "ServerError"]
