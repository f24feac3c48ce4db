"""Base classes of providers: the row in the table of libraries, and how clients are closed."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.model.libraries import LIBRARIES


class Client:
    """A client library, with the name and close method of its row.

    Args:
        name: its distribution.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.distribution = name
        self.library = LIBRARIES[name]

    async def close(self, client: Any) -> None:
        """Closes an async client.

        Raises:
            Incompatible: this release has no method for it.
        """
        try:
            close = attrgetter(self.library.close)(client)
        except AttributeError as error:
            raise Incompatible(
                f"this release of {self.name} cannot close an async client (no {self.library.close})"
            ) from error
        await close()

    def close_sync(self, client: Any) -> None:
        """Closes a sync client.

        Raises:
            Incompatible: this release has no method for it.
        """
        if not hasattr(client, "close"):
            raise Incompatible(f"this release of {self.name} cannot close a client (no close)")
        client.close()

    def counted(self, target: CallTarget) -> dict[str, int]:
        """What the trial's server has counted; nothing here, because the provider server tells the host."""
        return {}


class SDK(Client):
    """A vendor's client.

    Args:
        name: its distribution.
        path: what the base URL adds to the target; `None` for what the table of libraries says.
    """

    def __init__(self, name: str, path: str | None = None) -> None:
        super().__init__(name)
        endpoint = self.library.endpoint
        if endpoint is None:
            raise ValueError(f"{name} is no SDK: its row in the table of libraries has no endpoint")
        self.path = endpoint.path if path is None else path
