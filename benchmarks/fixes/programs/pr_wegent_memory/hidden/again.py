import asyncio

from memory import MemoryClient
from service import remember

assert [remember(text) for text in "abc"] == ["memory/a", "memory/b", "memory/c"]
assert asyncio.run(MemoryClient().save("d")) == "memory/d"
