"""More programs before and after an edit: what objects, generators and coroutine functions get."""

from __future__ import annotations

from typing import Any

from tests.rewrite.edits.cases import BY_HAND, HEAD, TOOL

MORE_CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a class whose exit forgets its client": (
        "explicit-close",
        {"kind": "client-left-open", "made": "Client()", "closer": "await aclose()"},
        HEAD + "class Bot:\n    async def __aenter__(self):\n        self.client = Client()\n        return self\n\n"
        "    async def __aexit__(self, *error):\n        print(error)\n        return False\n\n\n"
        "async def main():\n    async with Bot() as bot:\n        await bot.client.ask()\n\n\nasyncio.run(main())\n",
        HEAD + "class Bot:\n    async def __aenter__(self):\n        self.client = Client()\n        return self\n\n"
        "    async def __aexit__(self, *error):\n        print(error)\n"
        "        await self.client.aclose()\n        return False\n\n\n"
        "async def main():\n    async with Bot() as bot:\n        await bot.client.ask()\n\n\nasyncio.run(main())\n",
    ),
    "the class that a field has as its factory": (
        "client-per-loop",
        {"made": "Bot('x')"},
        "import dataclasses\nfrom dataclasses import field\n"
        + HEAD
        + "@dataclasses.dataclass\nclass Bot:\n    name: str\n"
        "    client: Client = field(default_factory=Client)\n\n    async def ask(self):\n"
        "        return await self.client.ask()\n\n\nbot = Bot('x')\nasyncio.run(bot.ask())\n",
        "import dataclasses\nfrom dataclasses import field\n"
        + TOOL.format("LoopLocal")
        + "@dataclasses.dataclass\nclass Bot:\n    name: str\n"
        "    client: LoopLocal[Client] = field(default_factory=lambda: LoopLocal(Client))\n\n    async def ask(self):\n"
        "        return await (await self.client.get()).ask()\n\n\nbot = Bot('x')\nasyncio.run(bot.ask())\n",
    ),
    "a parameter of the coroutine that a run starts": (
        "context-manager",
        {"made": "Client(1)", "kind": "client-left-open", "opened": "client.ask(n)"},
        HEAD + "async def ask(client, n):\n    return await client.ask(n)\n\n\nasync def main(one):\n    'Asks.'\n"
        "    return await ask(one, n=1)\n\n\nasyncio.run(main(connect.keep(Client(1))))\n",
        HEAD + "async def ask(client, n):\n    return await client.ask(n)\n\n\nasync def main(one):\n    'Asks.'\n"
        "    async with one:\n        return await ask(one, n=1)\n\n\nasyncio.run(main(connect.keep(Client(1))))\n",
    ),
    "a generator that is left": (
        "close-stream",
        {"made": "connect(1)", "kind": "abandoned-stream"},
        HEAD + "async def tokens():\n    async with connect(1) as stream:\n        async for part in stream:\n"
        "            yield part\n\n\nasync def first():\n    async for part in tokens():  # one\n"
        "        return part\n\n\nasyncio.run(first())\n",
        HEAD.replace("connect\n", "connect\nfrom contextlib import aclosing\n")
        + "async def tokens():\n    async with connect(1) as stream:\n        async for part in stream:\n"
        "            yield part\n\n\nasync def first():\n    async with aclosing(tokens()) as parts:\n"
        "        async for part in parts:  # one\n            return part\n\n\nasyncio.run(first())\n",
    ),
    "a generator that is left, and its stream": (
        "close-stream",
        {"made": "await connect(1)", "kind": "abandoned-stream"},
        HEAD
        + "async def tokens():\n    stream = await connect(1)\n    async for part in stream:\n        yield part\n\n\n"
        "async def first():\n    async for part in tokens():\n        return part\n\n\nasyncio.run(first())\n",
        HEAD.replace("connect\n", "connect\nfrom contextlib import aclosing\n")
        + "async def tokens():\n    async with await connect(1) as stream:\n        async for part in stream:\n"
        "            yield part\n\n\nasync def first():\n    async with aclosing(tokens()) as parts:\n"
        "        async for part in parts:\n            return part\n\n\nasyncio.run(first())\n",
    ),
    "what a LoopLocal keeps for a loop that is closed by hand": (
        "explicit-close",
        {"made": "await clients.get()", "kind": "client-left-open", **BY_HAND},
        TOOL.format("LoopLocal") + "clients = LoopLocal(Client)\n\n\nasync def ask():\n"
        "    client = await clients.get()\n    return await client.ask()\n\n\n"
        "loop = asyncio.new_event_loop()\nloop.run_until_complete(ask())\nloop.close()\n",
        TOOL.format("LoopLocal") + "clients = LoopLocal(Client)\n\n\nasync def ask():\n"
        "    client = await clients.get()\n    return await client.ask()\n\n\n"
        "loop = asyncio.new_event_loop()\nloop.run_until_complete(ask())\n"
        "loop.run_until_complete(loop.shutdown_asyncgens())\nloop.close()\n",
    ),
}
