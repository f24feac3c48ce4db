"""Base class of providers whose server is a database of this machine, which counts the calls of each trial itself."""

from __future__ import annotations

from typing import Any, NoReturn

from diagnostics.experiment.client import Client
from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions


class Database(Client):
    """A driver; `CallTarget.url` is the address of its server, with the name of the trial after a `#`."""

    def check(self, options: ClientOptions) -> None:
        """Raises `Incompatible` for options that only HTTP clients have. There is no retry budget for a call either."""
        if options.transport != "default":
            raise Incompatible(f"{self.name} has no {options.transport} transport")
        if not options.keepalive:
            raise Incompatible(f"{self.name} has no option to keep no idle connection")

    async def abandon(self, client: Any, target: CallTarget, question: str) -> NoReturn:
        raise Incompatible(f"{self.name} has no streamed answer")

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> NoReturn:
        raise Incompatible(f"{self.name} has no streamed answer")


def address(target: CallTarget) -> tuple[str, str]:
    """Returns the address of the server, and the name of the trial."""
    url, _, trial = target.url.rpartition("#")
    return url, trial
