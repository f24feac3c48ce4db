"""Programs drawn from a seed: which library, who holds the client, how the loops are run, one file or two modules."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.fixes.corpus import HiddenTest, Program

COUNT: Final = 30
WORDS: Final = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath")
CROSS: Final = ("cross-loop-use", "duplicate-request", "cross-loop-close", "use-after-loop-close", "client-left-open")


@dataclass(frozen=True)
class Library:
    """How a library is used.

    Attributes:
        make: the expression that makes a client, where no loop need run; empty where one must.
        call: an expression that asks for `word` with `client`.
        answer: what that gives.
        request: what the service notes; empty for a database.
        opened: the expression in `async with`; how it is made in a coroutine.
    """

    imports: str
    make: str
    call: str
    answer: str
    request: str = ""
    server: str = ""
    opened: str = ""


_ASKED: Final = '[{"role": "user", "content": word}]'
_CHAT: Final = f'(await client.chat.completions.create(model="m", messages={_ASKED})).choices[0].message.content'
_MESSAGE: Final = f'(await client.messages.create(model="m", max_tokens=9, messages={_ASKED})).content[0].text'
_SAID = "answer to {word}"
_ITEM = ("item/{word}", "GET /item/{word}")
LIBRARIES: Final = {
    "httpx": Library(
        "import httpx", "httpx.AsyncClient()", '(await client.get(f"{SERVICE}/item/{word}")).json()["path"]', *_ITEM
    ),
    "httpx2": Library(
        "import httpx2",
        "httpx2.AsyncClient(base_url=SERVICE, timeout=5)",
        '(await client.get(f"item/{word}")).json()["path"]',
        *_ITEM,
    ),
    "aiohttp": Library(
        "import aiohttp",
        "",
        '(await (await client.get(f"{SERVICE}/item/{word}")).json())["path"]',
        *_ITEM,
        opened="aiohttp.ClientSession()",
    ),
    "openai": Library(
        "from openai import AsyncOpenAI",
        "AsyncOpenAI(max_retries=0)",
        _CHAT,
        _SAID,
        "POST /v1/chat/completions {word}",
    ),
    "groq": Library(
        "from groq import AsyncGroq",
        "AsyncGroq(max_retries=1, timeout=10)",
        _CHAT,
        _SAID,
        "POST /openai/v1/chat/completions {word}",
    ),
    "anthropic": Library(
        "from anthropic import AsyncAnthropic",
        "AsyncAnthropic(max_retries=0)",
        _MESSAGE,
        _SAID,
        "POST /v1/messages {word}",
    ),
    "redis": Library(
        "import redis.asyncio as redis",
        'redis.from_url(os.environ["REDIS"])',
        "(await client.echo(word)).decode()",
        "{word}",
        server="redis",
    ),
    "asyncpg": Library(
        "import asyncpg",
        "",
        'await client.fetchval("select upper($1)", word)',
        "{WORD}",
        server="postgresql",
        opened='asyncpg.create_pool(os.environ["POSTGRESQL"], min_size=1, max_size=2)',
    ),
}
_RUN: Final = """
def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()""".lstrip()
HOLDERS: Final = ("module", "global", "cached", "class", "left")
RUNNERS: Final = ("runs", "loop", "thread", "manual")


def programs(count: int = COUNT) -> list[Program]:
    """Returns the programs of the first seeds whose choices are new."""
    return [made for _, made in zip(range(count), _distinct(), strict=False)]


def _distinct() -> Iterator[Program]:
    seen: set[tuple[object, ...]] = set()
    for seed in range(10_000):
        drawn = _Drawn(seed)
        if drawn.choices not in seen:
            seen.add(drawn.choices)
            yield drawn.program()


class _Drawn:
    """What a seed means."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.seed = seed
        self.library_name = dice.choice([*LIBRARIES])
        self.library = LIBRARIES[self.library_name]
        self.holder = dice.choice(HOLDERS if self.library.make else ("global", "left"))
        self.runner = dice.choice(RUNNERS)
        self.split = dice.random() < 0.5
        self.words = dice.sample(WORDS, dice.randint(2, 3))
        self.other = dice.sample(WORDS, 2)
        self.guard = dice.random() < 0.5
        self.choices = self.library_name, self.holder, self.runner, self.split

    def program(self) -> Program:
        kinds = ("client-left-open",) if self.holder == "left" else CROSS
        function = "Store.fetch(self, word)" if self.holder == "class" else "fetch(word)"
        again = {"arguments": self.other, "output": self._output(self.other), "requests": self._requests(self.other)}
        test = HiddenTest(
            tuple(self._output(self.words)),
            tuple(self._requests(self.words)),
            names=(f"async {'store' if self.split else 'app'}.{function}",),
            again=(again,),
            scripts={"together.py": self._together()} if self.split else {},
        )
        name = "_".join(("seed", str(self.seed), self.library_name, self.holder, self.runner))
        source = f"generated, seed {self.seed}"
        files = self._files(self._wrong())
        return Program(
            name,
            source,
            "first-party",
            kinds,
            ("app.py",),
            files,
            self._files(self._right()),
            test,
            self.library.server,
        )

    def _together(self) -> str:
        kept, fetch = ("store", "store.fetch") if self.holder == "class" else ("fetch", "fetch")
        answers = [self.library.answer.format(word=word, WORD=word.upper()) for word in self.other]
        main = f"async def main():\n    return await asyncio.gather(*({fetch}(word) for word in {self.other!r}))"
        return (
            f"import asyncio\n\nfrom store import {kept}\n\n\n{main}\n\n\nassert asyncio.run(main()) == {answers!r}\n"
        )

    def _output(self, words: list[str]) -> list[str]:
        return [f"{word}: {self.library.answer.format(word=word, WORD=word.upper())}" for word in words]

    def _requests(self, words: list[str]) -> list[str]:
        return [self.library.request.format(word=word) for word in words] if self.library.request else []

    def _wrong(self) -> str:
        made = self.library.make or ("await " * (self.library_name == "asyncpg") + self.library.opened)
        call = f"return {self.library.call}"
        if self.holder == "left":
            return f"async def fetch(word):\n    client = {made}\n    {call}"
        if self.holder == "module":
            return f"client = {made}\n\n\nasync def fetch(word):\n    {call}"
        if self.holder == "global":
            lazily = f"    global client\n    if client is None:\n        client = {made}\n"
            return f"client = None\n\n\nasync def fetch(word):\n{lazily}    {call}"
        if self.holder == "cached":
            cached = f"@functools.cache\ndef get_client():\n    return {made}"
            return f"{cached}\n\n\nasync def fetch(word):\n    client = get_client()\n    {call}"
        method = f"    async def fetch(self, word):\n        client = self.client\n        {call}"
        return f"class Store:\n    def __init__(self):\n        self.client = {made}\n\n{method}\n\n\nstore = Store()"

    def _right(self) -> str:
        opened = self.library.opened or self.library.make
        of, kept = ("self, ", "\n\n\nstore = Store()") if self.holder == "class" else ("", "")
        body = f"async with {opened} as client:\n        return {self.library.call}"
        fetch = f"async def fetch({of}word):\n    {body}"
        return f"class Store:\n{textwrap.indent(fetch, '    ')}{kept}" if kept else fetch

    def _files(self, body: str) -> dict[str, str]:
        fetch = "store.fetch" if self.holder == "class" else "fetch"
        service = 'SERVICE = os.environ["SERVICE"]\n' if "SERVICE" in body else ""
        functools = "import functools\n" if "functools" in body else ""
        runner = "from concurrent.futures import ThreadPoolExecutor\n" if self.runner == "thread" else ""
        words = f"WORDS = sys.argv[1:] or {self.words!r}\n"
        if self.split:
            kept = "store" if self.holder == "class" else "fetch"
            store = f"{functools}import os\n\n{self.library.imports}\n\n{service}\n\n{body}\n"
            app = f"import asyncio\nimport sys\n{runner}\nfrom store import {kept}\n\n{words}\n\n{self._main(fetch)}\n"
            return {"store.py": store, "app.py": app}
        head = f"import asyncio\n{functools}import os\nimport sys\n{runner}\n{self.library.imports}\n\n{service}{words}"
        return {"app.py": f"{head}\n\n{body}\n\n\n{self._main(fetch)}\n"}

    def _main(self, fetch: str) -> str:
        ran = {"manual": "run({})", "thread": "pool.submit(asyncio.run, {}).result()"}.get(
            self.runner, "asyncio.run({})"
        )

        def shown(word: str) -> str:
            return f'print(f"{{{word}}}: {{{ran.format(f"{fetch}({word})")}}}")'

        lines = ["for word in WORDS:", f"    {shown('word')}"]
        if self.runner == "runs":
            lines = ["first, *others = WORDS", shown("first"), "for word in others:", lines[1]]
        if self.runner == "thread":
            lines = ["with ThreadPoolExecutor(1) as pool:", *(f"    {line}" for line in lines)]
        text = "\n".join(lines)
        if self.guard:
            text = f'def main():\n{textwrap.indent(text, "    ")}\n\n\nif __name__ == "__main__":\n    main()'
        return f"{_RUN}\n\n\n{text}" if self.runner == "manual" else text
