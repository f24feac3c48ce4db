import os
from dataclasses import dataclass, field

import redis.asyncio as redis


@dataclass
class RedisCheck:
    client: redis.Redis = field(default_factory=lambda: redis.from_url(os.environ["REDIS"]))

    async def run(self):
        return await self.client.ping()
