"""`redis`: a command to a Redis server, async (`redis.asyncio`) and sync."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from diagnostics.experiment.database import Database, address
from diagnostics.experiment.program import ECHO, CallTarget
from diagnostics.experiment.provider import ClientOptions, build, load

_COUNT_AND_ECHO: Final = "redis.call('INCR', KEYS[1]) return ARGV[1]"


class Redis(Database):
    """redis-py with its own pool."""

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        return self._client(self.library.client, target, options)

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return self._client(self.library.sync_client, target, options)

    def _client(self, name: str, target: CallTarget, options: ClientOptions) -> Any:
        self.check(options)
        return build(
            attrgetter(name)(load(self.library.module)).from_url, url=address(target)[0], decode_responses=True
        )

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        return str(await client.eval(_COUNT_AND_ECHO, 1, address(target)[1], ECHO + question))

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        return str(client.eval(_COUNT_AND_ECHO, 1, address(target)[1], ECHO + question))

    def counted(self, target: CallTarget) -> dict[str, int]:
        """Counts commands. The server does not say how many connections they came from."""
        with self.build_sync(target, ClientOptions()) as client:
            return {"requests": int(client.getdel(address(target)[1]) or 0)}


PROVIDER = Redis("redis")
