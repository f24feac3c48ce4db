"""Programs before and after each edit, and what the document of a run says about them."""

from __future__ import annotations

from typing import Any

HEAD = "import asyncio\n\nfrom sdk import Client, connect\n\n"
BY_HAND = {"loop": "asyncio.new_event_loop()", "closed": "loop.close()"}
TOOL = HEAD.replace("connect\n", "connect\nfrom async_tools import {}\n")

CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "async with": (
        "context-manager",
        {"made": "Client(1)"},
        HEAD + "async def ask():\n    client = Client(1)  # one\n    answer = await client.ask()\n"
        "    await client.aclose()\n    return answer  # two\n\n\nasyncio.run(ask())\n",
        HEAD + "async def ask():\n    async with Client(1) as client:  # one\n        answer = await client.ask()\n"
        "        return answer  # two\n\n\nasyncio.run(ask())\n",
    ),
    "finally": (
        "explicit-close",
        {"made": "await connect()", "closer": "await dispose()"},
        HEAD
        + "async def ask():\n    engine = await connect()\n    return await engine.ask()\n\n\nasyncio.run(ask())\n",
        HEAD + "async def ask():\n    engine = await connect()\n    try:\n        return await engine.ask()\n"
        "    finally:\n        await engine.dispose()\n\n\nasyncio.run(ask())\n",
    ),
    "one of two results": (
        "explicit-close",
        {"made": "await asyncio.open_connection()", "closer": "close(); await wait_closed()"},
        HEAD + "async def ask():\n    reader, writer = await asyncio.open_connection()\n"
        "    return await reader.read()\n\n\nasyncio.run(ask())\n",
        HEAD + "async def ask():\n    reader, writer = await asyncio.open_connection()\n"
        "    try:\n        return await reader.read()\n"
        "    finally:\n        writer.close()\n        await writer.wait_closed()\n\n\nasyncio.run(ask())\n",
    ),
    "a class without a closer": (
        "explicit-close",
        {"made": "Client()", "callers": ("Bot()",)},
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client()\n\n\n"
        "async def main():\n    bot = Bot()\n    await bot.client.ask()\n\n\nasyncio.run(main())\n",
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client()\n\n    async def aclose(self):\n"
        "        await self.client.__aexit__(None, None, None)\n\n\n"
        "async def main():\n    bot = Bot()\n    try:\n        await bot.client.ask()\n    finally:\n"
        "        await bot.aclose()\n\n\nasyncio.run(main())\n",
    ),
    "inside each run": (
        "context-manager",
        {"made": "Client()"},
        HEAD + "client = Client()\n\n\nasync def ask(n):\n    return await client.ask(n)\n\n\n"
        "for n in range(2):\n    asyncio.run(ask(n))\n",
        HEAD + "\nasync def ask(n):\n    async with Client() as client:\n        return await client.ask(n)\n\n\n"
        "for n in range(2):\n    asyncio.run(ask(n))\n",
    ),
    "a variable": (
        "client-per-loop",
        {"made": "Client()"},
        HEAD + "client = Client()\n\n\nasync def ask(n):\n    'Asks.'\n    return await client.ask(n)\n\n\n"
        "async def main():\n    await asyncio.gather(ask(1), ask(2))\n    await client.aclose()\n\n\n"
        "asyncio.run(main())\nasyncio.run(client.aclose())\n",
        TOOL.format("LoopLocal") + "clients = LoopLocal(Client)\n\n\nasync def ask(n):\n    'Asks.'\n"
        "    client = await clients.get()\n    return await client.ask(n)\n\n\n"
        "async def main():\n    client = await clients.get()\n    await asyncio.gather(ask(1), ask(2))\n"
        "    await client.aclose()\n\n\nasyncio.run(main())\n",
    ),
    "a variable that is empty at first": (
        "client-per-loop",
        {"made": "await connect()"},
        HEAD
        + "pool = None\n\n\nasync def ask():\n    global pool\n    if pool is None:\n        pool = await connect()\n"
        "    return await pool.ask()\n\n\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal") + "pools = LoopLocal(connect)\n\n\nasync def ask():\n"
        "    pool = await pools.get()\n    return await pool.ask()\n\n\nasyncio.run(ask())\n",
    ),
    "an attribute": (
        "client-per-loop",
        {"made": "Client(url)"},
        HEAD
        + "class Bot:\n    def __init__(self, url):\n        self.client = Client(url)\n\n    async def ask(self):\n"
        "        return await self.client.ask()\n\n\nbot = Bot('x')\nasyncio.run(bot.ask())\n",
        TOOL.format("LoopLocal") + "class Bot:\n    def __init__(self, url):\n"
        "        self.client = LoopLocal(lambda: Client(url))\n\n    async def ask(self):\n"
        "        return await (await self.client.get()).ask()\n\n\nbot = Bot('x')\nasyncio.run(bot.ask())\n",
    ),
    "a cached function": (
        "client-per-loop",
        {"made": "Client(1)", "callers": ("make()",)},
        "import functools\n" + HEAD + "@functools.cache\ndef make():\n    return Client(1)\n\n\n"
        "async def ask():\n    return await make().ask()\n\n\nasyncio.run(ask())\n",
        "import functools\n" + TOOL.format("LoopLocal") + "@functools.cache\ndef make():\n"
        "    return LoopLocal(lambda: Client(1))\n\n\n"
        "async def ask():\n    return await (await make().get()).ask()\n\n\nasyncio.run(ask())\n",
    ),
    "a stream that is entered": (
        "close-stream",
        {"kind": "abandoned-stream", "made": "await client.ask()", "code": "async with await ... as stream:"},
        HEAD + "async def read(client):\n    answer = await client.ask()\n    async for part in answer:  # a\n"
        "        break\n    return 1\n\n\nasyncio.run(read(Client()))\n",
        HEAD + "async def read(client):\n    async with await client.ask() as answer:\n"
        "        async for part in answer:  # a\n            break\n    return 1\n\n\nasyncio.run(read(Client()))\n",
    ),
    "a stream without a name": (
        "close-stream",
        {"kind": "abandoned-stream", "made": "await client.ask()", "code": "finally:\n    await stream.aclose()"},
        HEAD + "async def read(client):\n    async for part in await client.ask():\n        return part\n\n\n"
        "asyncio.run(read(Client()))\n",
        HEAD + "async def read(client):\n    stream = await client.ask()\n    try:\n        async for part in stream:\n"
        "            return part\n    finally:\n        await stream.aclose()\n\n\nasyncio.run(read(Client()))\n",
    ),
    "a fixture": (
        "async-fixture",
        {"made": "Client()"},
        HEAD + "import pytest\n\n\n@pytest.fixture(scope='session')\ndef client():\n    return Client()\n\n\n"
        "asyncio.run(connect())\n",
        HEAD + "import pytest\nimport pytest_asyncio\n\n\n@pytest_asyncio.fixture\nasync def client():\n"
        "    async with Client() as client:\n        yield client\n\n\nasyncio.run(connect())\n",
    ),
    "a close without await": (
        "await-close",
        {"made": "Client()"},
        HEAD + "async def main():\n    async with Client() as c:\n        c.close()\n\n\nasyncio.run(main())\n",
        HEAD + "async def main():\n    async with Client() as c:\n        await c.close()\n\n\nasyncio.run(main())\n",
    ),
    "a class that closes without await": (
        "await-close",
        {"made": "Client()"},
        HEAD + "class Kept:\n    def close(self):\n        self.client.close()  # a\n\n\n"
        "async def main():\n    kept = Kept(Client())\n    kept.close()\n\n\nasyncio.run(main())\n",
        HEAD + "class Kept:\n    async def close(self):\n        await self.client.close()  # a\n\n\n"
        "async def main():\n    kept = Kept(Client())\n    await kept.close()\n\n\nasyncio.run(main())\n",
    ),
    "a module that has the drop-in module already": (
        "client-per-loop",
        {"made": "Client()"},
        TOOL.format("run_sync") + "client = Client()\n\n\nasync def ask():\n    return await client.ask()\n\n\n"
        "run_sync(ask())\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal, run_sync") + "clients = LoopLocal(Client)\n\n\nasync def ask():\n"
        "    client = await clients.get()\n    return await client.ask()\n\n\nrun_sync(ask())\nasyncio.run(ask())\n",
    ),
    "what a run adds to a variable": (
        "single-run",
        {"made": "Client()"},
        HEAD
        + "client = Client()\ntotal = 0\nfor n in range(2):\n    total += asyncio.run(client.ask(n))\nprint(total)\n",
        HEAD + "client = Client()\ntotal = 0\nasync def main():\n    global total\n    for n in range(2):\n"
        "        total += await client.ask(n)\n\n\nasyncio.run(main())\nprint(total)\n",
    ),
    "a fixture that closes its client": (
        "async-fixture",
        {"made": "Client(1)"},
        HEAD + "import pytest_asyncio\n\n\n@pytest_asyncio.fixture(scope='session', loop_scope='session')\n"
        "async def client():\n    'For all.'\n    made = Client(1)\n    yield made\n    await made.close()\n\n\n"
        "asyncio.run(connect())\n",
        HEAD + "import pytest_asyncio\n\n\n@pytest_asyncio.fixture\nasync def client():\n    'For all.'\n"
        "    async with Client(1) as made:\n        yield made\n\n\nasyncio.run(connect())\n",
    ),
    "a dependency": (
        "context-manager",
        {"made": "Client(1)"},
        HEAD + "async def upstream() -> Client:\n    return Client(1)  # one\n\n\n"
        "async def price(client=connect.Depends(upstream)):\n    return await client.ask()\n\n\nasyncio.run(price())\n",
        HEAD + "async def upstream():\n    async with Client(1) as client:  # one\n        yield client\n\n\n"
        "async def price(client=connect.Depends(upstream)):\n    return await client.ask()\n\n\nasyncio.run(price())\n",
    ),
    "a class attribute": (
        "client-per-loop",
        {"made": "Client(1)"},
        HEAD + "class Bot:\n    client = Client(1)\n\n    async def ask(self):\n"
        "        return await self.client.ask()\n\n\n"
        "async def main():\n    await Bot.client.ask()\n\n\nasyncio.run(main())\n",
        TOOL.format("LoopLocal") + "class Bot:\n    client = LoopLocal(lambda: Client(1))\n\n    async def ask(self):\n"
        "        return await (await self.client.get()).ask()\n\n\n"
        "async def main():\n    await (await Bot.client.get()).ask()\n\n\nasyncio.run(main())\n",
    ),
    "the default of a field": (
        "client-per-loop",
        {"made": "Client(1)", "callers": ("Bot()",)},
        HEAD + "@connect.dataclass\nclass Bot:\n    client: Client = connect.field(factory=lambda: Client(1))\n\n"
        "    async def ask(self):\n        return await self.client.ask()\n\n\nasyncio.run(Bot().ask())\n",
        TOOL.format("LoopLocal") + "@connect.dataclass\nclass Bot:\n"
        "    client: LoopLocal[Client] = connect.field(factory=lambda: LoopLocal(lambda: Client(1)))\n\n"
        "    async def ask(self):\n        return await (await self.client.get()).ask()\n\n\n"
        "asyncio.run(Bot().ask())\n",
    ),
    "a process in a global variable": (
        "explicit-close",
        {"made": "await connect()", "closer": "kill(); await wait()"},
        HEAD + "child = None\n\n\nasync def ask():\n    global child\n    child = await connect()\n"
        "    return await child.ask()\n\n\nasyncio.run(ask())\n",
        HEAD + "child = None\n\n\nasync def ask():\n    global child\n    child = await connect()\n    try:\n"
        "        return await child.ask()\n    finally:\n        child.kill()\n        await child.wait()\n\n\n"
        "asyncio.run(ask())\n",
    ),
    "locks": (
        "client-per-loop",
        {"made": "asyncio.Lock()", "closer": ""},
        HEAD + "lock = asyncio.Lock()\nlimit = asyncio.Semaphore(1)\n\n\nasync def ask():\n"
        "    async with lock, limit:\n        pass\n\n\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal") + "locks = LoopLocal(asyncio.Lock, close=lambda _: None)\n"
        "limits = LoopLocal(lambda: asyncio.Semaphore(1), close=lambda _: None)\n\n\nasync def ask():\n"
        "    limit = await limits.get()\n    lock = await locks.get()\n    async with lock, limit:\n        pass\n\n\n"
        "asyncio.run(ask())\n",
    ),
    "a lock": (
        "client-per-loop",
        {"made": "asyncio.Lock()", "closer": ""},
        HEAD + "lock = asyncio.Lock()\n\n\nasync def ask():\n    async with lock:\n"
        "        pass\n\n\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal") + "locks = LoopLocal(asyncio.Lock, close=lambda _: None)\n\n\nasync def ask():\n"
        "    lock = await locks.get()\n    async with lock:\n        pass\n\n\nasyncio.run(ask())\n",
    ),
    "a pool": (
        "no-keepalive",
        {"made": "pool.connect()", "code": "from sdk.pool import No\nclient = pool.connect(, kind=No)"},
        HEAD + "pool = Client(\n    1,\n    size=2,  # two\n)\n\n\nasync def ask():\n"
        "    return pool.connect()\n\n\nasyncio.run(ask())\n",
        HEAD.replace("connect\n", "connect\nfrom sdk.pool import No\n")
        + "pool = Client(\n    1,\n    size=2,\n    kind=No,  # two\n)\n\n\nasync def ask():\n"
        "    return pool.connect()\n\n\nasyncio.run(ask())\n",
    ),
    "a thread": (
        "owning-loop",
        {"running": "asyncio.run(connect())", "loop": "asyncio.run(main())"},
        HEAD + "async def main():\n    def work():\n        print(asyncio.run(connect()))\n\n"
        "    await asyncio.to_thread(work)\n\n\nasyncio.run(main())\n",
        HEAD + "async def main():\n    loop = asyncio.get_running_loop()\n    def work():\n"
        "        print(asyncio.run_coroutine_threadsafe(connect(), loop).result())\n\n"
        "    await asyncio.to_thread(work)\n\n\nasyncio.run(main())\n",
    ),
    "a function that keeps it in a dictionary": (
        "client-per-loop",
        {"made": "Client(key)", "closer": "await aio.aclose()"},
        HEAD + "kept = {}\n\n\ndef get(key):\n    if key not in kept:\n        kept[key] = Client(key)\n"
        "    return kept[key]\n\n\nasync def ask():\n    return await get(1).ask()\n\n\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal") + "kept = {}\n\n\ndef get(key):\n    if key not in kept:\n"
        "        kept[key] = LoopLocal(lambda: Client(key), close=lambda client: client.aio.aclose())\n"
        "    return kept[key]\n\n\nasync def ask():\n    return await (await get(1).get()).ask()\n\n\n"
        "asyncio.run(ask())\n",
    ),
    "a closing method that forgets it": (
        "explicit-close",
        {"made": "Client(2)"},
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client(2)\n\n    async def stop(self):\n"
        '        """Ends."""\n        pass\n\n\nasyncio.run(connect())\n',
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client(2)\n\n    async def stop(self):\n"
        '        """Ends."""\n        await self.client.__aexit__(None, None, None)\n\n\nasyncio.run(connect())\n',
    ),
    "runs that follow each other": (
        "single-run",
        {"made": "connect()", "holder": "client"},
        HEAD + "# start\nclient = asyncio.run(connect())\nfor n in range(2):\n    print(asyncio.run(client.ask(n)))\n",
        HEAD + "# start\nasync def main():\n    client = await connect()\n    async with client:\n"
        "        for n in range(2):\n            print(await client.ask(n))\n\n\nasyncio.run(main())\n",
    ),
    "a server": (
        "lifespan",
        {"kind": "client-left-open", "made": "Client(1)", "loop": "app.get"},
        (
            "from fastapi import FastAPI\n\nfrom sdk import Client\n\napp = FastAPI(title='x')\n"
            "client = Client(1)\n\n\n"
            "@app.get('/')\nasync def ask():\n    return await client.ask()\n"
        ),
        (
            "from fastapi import FastAPI\n\nfrom sdk import Client\nfrom contextlib import asynccontextmanager\n\n\n"
            "@asynccontextmanager\nasync def lifespan(app):\n    global client\n    async with Client(1) as client:\n"
            "        yield\n\n\napp = FastAPI(title='x', lifespan=lifespan)\n\n\n"
            "@app.get('/')\nasync def ask():\n    return await client.ask()\n"
        ),
    ),
    "a task": (
        "end-task",
        {"kind": "pending-task-destroyed", "used": "await connect()"},
        HEAD + "async def beat():\n    await connect()\n\n\nasync def ask():\n    asyncio.create_task(beat())  # a\n"
        "    return 1\n\n\nasyncio.run(ask())\n",
        HEAD
        + "async def beat():\n    await connect()\n\n\nasync def ask():\n    task = asyncio.create_task(beat())  # a\n"
        "    try:\n        return 1\n    finally:\n        task.cancel()\n"
        "        await asyncio.gather(task, return_exceptions=True)\n\n\nasyncio.run(ask())\n",
    ),
    "a loop that nobody closes": (
        "close-loop",
        {"kind": "loop-closed-by-gc", "loop": "asyncio.new_event_loop()"},
        HEAD + "def run(work):\n    loop = asyncio.new_event_loop()\n    loop.create_task(work)\n"
        "    return loop.run_until_complete(work)  # a\n\n\nrun(connect())\n",
        HEAD + "def run(work):\n    loop = asyncio.new_event_loop()\n    try:\n        loop.create_task(work)\n"
        "        return loop.run_until_complete(work)  # a\n    finally:\n"
        "        loop.run_until_complete(loop.shutdown_asyncgens())\n        loop.close()\n\n\nrun(connect())\n",
    ),
    "a loop that is closed by hand": (
        "explicit-close",
        {"kind": "client-left-open", "made": "Client(2)", **BY_HAND},
        HEAD + "class Bot:\n    def __init__(self):\n        self.loop = asyncio.new_event_loop()\n"
        "        self.client = Client(2)\n\n    def stop(self):\n        # the end\n        self.loop.close()\n",
        HEAD + "class Bot:\n    def __init__(self):\n        self.loop = asyncio.new_event_loop()\n"
        "        self.client = Client(2)\n\n    def stop(self):\n        # the end\n"
        "        self.loop.run_until_complete(self.client.__aexit__(None, None, None))\n        self.loop.close()\n",
    ),
    "a loop that is closed far from the client's class": (
        "explicit-close",
        {"kind": "client-left-open", "made": "Client(2)", "closer": "close(); await wait_closed()", **BY_HAND}
        | {"callers": ("Bot()",)},
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client(2)\n\n\n"
        "def main():\n    bot = Bot()\n    loop = asyncio.new_event_loop()\n    loop.close()\n",
        HEAD + "class Bot:\n    def __init__(self):\n        self.client = Client(2)\n\n\n"
        "def main():\n    bot = Bot()\n    loop = asyncio.new_event_loop()\n    bot.client.close()\n"
        "    loop.run_until_complete(bot.client.wait_closed())\n    loop.close()\n",
    ),
    "a queue that a plain function fills": (
        "background-loop",
        {"made": "asyncio.Queue()", "closer": ""},
        HEAD + "queue = asyncio.Queue()\n\n\ndef put(n):\n    queue.put_nowait(n)\n\n\nasync def ask():\n"
        "    return await queue.get()\n\n\nput(1)\nasyncio.run(ask())\n",
        TOOL.format("run_sync") + "queue = asyncio.Queue()\n\n\ndef put(n):\n    queue.put_nowait(n)\n\n\n"
        "async def ask():\n    return await queue.get()\n\n\nput(1)\nrun_sync(ask())\n",
    ),
    "a pool that a forked child gets": (
        "context-manager",
        {"kind": "inherited-connection", "made": "await connect(1)", "loop": "asyncio.run(main())"},
        HEAD + "async def ask(pool, n):\n    return await pool.ask(n)\n\n\ndef child(pool):\n    # in the child\n"
        "    print(asyncio.run(ask(pool, 2)))\n\n\nasync def main():\n    pool = await connect(1)\n    child(pool)\n"
        "    await pool.close()\n\n\nasyncio.run(main())\n",
        HEAD + "async def ask(pool, n):\n    return await pool.ask(n)\n\n\ndef child(pool):\n"
        "    async def with_own_pool():\n        async with connect(1) as pool:\n"
        "            return await ask(pool, 2)\n\n"
        "    # in the child\n    print(asyncio.run(with_own_pool()))\n\n\n"
        "async def main():\n    pool = await connect(1)\n    child(pool)\n"
        "    await pool.close()\n\n\nasyncio.run(main())\n",
    ),
    "locks in a dictionary": (
        "client-per-loop",
        {"made": "asyncio.Lock()", "closer": ""},
        HEAD + "_locks: dict[str, asyncio.Lock] = {}\n\n\ndef lock_of(key):\n    if key not in _locks:\n"
        "        _locks[key] = asyncio.Lock()\n    return _locks[key]\n\n\nasync def ask():\n"
        "    async with lock_of(1):\n        pass\n\n\nasyncio.run(ask())\n",
        HEAD.replace("connect\n", "connect\nimport weakref\n")
        + "_locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = "
        "weakref.WeakKeyDictionary()\n\n\ndef lock_of(key):\n"
        "    locks = _locks.setdefault(asyncio.get_running_loop(), {})\n    if key not in locks:\n"
        "        locks[key] = asyncio.Lock()\n    return locks[key]\n\n\nasync def ask():\n"
        "    async with lock_of(1):\n        pass\n\n\nasyncio.run(ask())\n",
    ),
    "a process that runs share": (
        "client-per-loop",
        {"made": "await connect(1)", "closer": "kill(); await wait()"},
        HEAD + "child = None\n\n\nasync def ask():\n    global child\n    if child is None:\n"
        "        child = await connect(1)\n    return await child.ask()\n\n\nasyncio.run(ask())\n",
        TOOL.format("LoopLocal") + "\nasync def close_child(it):\n    it.kill()\n    await it.wait()\n\n\n"
        "childs = LoopLocal(lambda: connect(1), close=close_child)\n\n\nasync def ask():\n"
        "    child = await childs.get()\n    return await child.ask()\n\n\nasyncio.run(ask())\n",
    ),
    "a loop": (
        "runner",
        {"loop": "asyncio.new_event_loop()"},
        HEAD + "def run(work):\n    loop = asyncio.new_event_loop()\n    asyncio.set_event_loop(loop)\n    try:\n"
        "        return loop.run_until_complete(work)  # a\n    finally:\n        loop.close()\n\n\nrun(connect())\n",
        HEAD + "def run(work):\n    return asyncio.run(work)  # a\n\n\nrun(connect())\n",
    ),
}
