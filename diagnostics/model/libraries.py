"""What the project knows about each library that a program under test may use: one row a library, each fact once.

Standard library only: the sanitizer and the worker read this table inside the environment under test. Everything that
lists libraries (detectors, matrix, bisection, provider server, redaction, reports) looks them up here, so a new SDK is
one row. A field that no row sets, or that no module reads, fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["sdk", "driver", "client", "pool", "transport", "loop", "part"]
"""`sdk`: a vendor's client. `driver`: a client of a database. `client`: an HTTP client that programs use directly.
`pool`: the connection pool below a client. `transport`: another HTTP library as the transport of a client. `loop`: an
event loop. `part`: anything else that stands between a program and its sockets."""

Placement = Literal["product", "added", "own"]
"""`product`: its releases are an axis of the matrix, combined with the others. `added`: it joins single combinations.
`own`: an SDK that has environments to itself, so that its releases change no other lock."""


@dataclass(frozen=True)
class Searched:
    """How a search for the release that changed the behaviour uses a library.

    Attributes:
        provider: whose client shows a change, unless another one is named.
        first: the first release to test; "" for the oldest.
        tag: what the repository writes before a version; for the link that compares two releases.
        requirements: what the environment needs besides, so that the library is used at all.
        loop: the event loop of the trials.
    """

    provider: str
    first: str = ""
    tag: str = ""
    requirements: tuple[str, ...] = ()
    loop: str = "asyncio"


@dataclass(frozen=True)
class Endpoint:
    """How an SDK finds its service.

    Attributes:
        path: what its base URL adds to the address of the provider server.
        url_variable: the environment variable of the base URL; "" where the SDK reads none.
        key_variable: the environment variable of the API key.
        hosts: domains of the vendor's public service.
    """

    path: str
    url_variable: str
    key_variable: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Observed:
    """A class of which the sanitizer must see when an object is made, or when it opens and closes.

    Attributes:
        module: that defines it.
        name: of the class.
        opens: the method that opens a connection; `__new__` if making the object does.
        closes: the method that every way to close it ends in. Empty where the connections are transports of asyncio:
            then only the line that makes the object is to be known.
        anywhere: whether it works on another loop than that it was opened on.
    """

    module: str
    name: str
    opens: str = "__new__"
    closes: str = ""
    anywhere: bool = False


@dataclass(frozen=True)
class Library:
    """One library.

    Attributes:
        distribution: its normalised name on the package index.
        module: what a program imports.
        role: see `Role`.
        client: the async client class that a program writes, within `module`; "" where programs do not make one.
        sync_client: the same for sync code.
        close: the method that closes the async client, as an attribute path; "" where only `async with` does.
        http_attribute: where an SDK's client keeps its HTTP client.
        stream: how its streamed answer is closed: `async with`; empty for what has `aclose`, as async generators do.
        generator: the tool that generated the SDK; SDKs of one generator are built and instrumented alike.
        generation: the HTTP stack that a client or pool belongs to, named by its client.
        placement: see `Placement`; `None` where the resolver chooses the release.
        endpoint: for an SDK.
        server: which server of this machine a driver calls, a name in `lab.server.installed.SERVERS`.
        searched: for libraries that `bisect` can search.
        observed: classes of a library without a detector.
        no_pool: the argument with which a client keeps no connections between uses, and the import that it needs.
        makes: what else makes async clients, pools and connections, within `module`.
        async_by: what marks the async calls of a client for both: an attribute, or the end of a method's name.
        per_loop: classes that look like async clients, but of which the library keeps one a loop itself.
        bound: classes that check by a `_get_loop` of their own that they are used on one loop, as asyncio's locks do.
        unseen: what the sanitizer does not report of such a library in any program.
    """

    distribution: str
    module: str
    role: Role = "part"
    client: str = ""
    sync_client: str = ""
    close: str = ""
    http_attribute: str = ""
    stream: str = ""
    generator: str = ""
    generation: str = ""
    placement: Placement | None = None
    endpoint: Endpoint | None = None
    server: str = ""
    searched: Searched | None = None
    observed: tuple[Observed, ...] = ()
    no_pool: tuple[str, str] | None = None
    makes: tuple[str, ...] = ()
    async_by: str = ""
    per_loop: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    unseen: str = ""


def _part(distribution: str, module: str = "") -> Library:
    return Library(distribution, module or distribution.replace("-", "_"))


def _made(distribution: str, *classes: tuple[str, str]) -> Library:
    """A library of whose clients the line that makes them is to be known."""
    makes = tuple(name for _, name, *_ in classes)
    return Library(distribution, distribution, observed=tuple(Observed(*each) for each in classes), makes=makes)


_ROWS: Final = (
    Library(
        "openai",
        "openai",
        "sdk",
        client="AsyncOpenAI",
        sync_client="OpenAI",
        makes=("AsyncAzureOpenAI",),
        close="close",
        http_attribute="_client",
        stream="async with",
        generator="stainless",
        placement="product",
        endpoint=Endpoint("/openai/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY", ("openai.com",)),
        searched=Searched("openai", first="1.0.0", tag="v"),
    ),
    Library(
        "httpx",
        "httpx",
        "client",
        client="AsyncClient",
        sync_client="Client",
        close="aclose",
        generation="httpx",
        placement="product",
        searched=Searched("httpx", first="0.11.0"),
    ),
    Library(
        "httpx2",
        "httpx2",
        "client",
        client="AsyncClient",
        sync_client="Client",
        close="aclose",
        generation="httpx2",
        placement="product",
        searched=Searched("httpx2", first="2.0.0"),
    ),
    Library(
        "anthropic",
        "anthropic",
        "sdk",
        client="AsyncAnthropic",
        sync_client="Anthropic",
        makes=("AsyncAnthropicBedrock", "AsyncAnthropicVertex"),
        close="close",
        http_attribute="_client",
        stream="async with",
        generator="stainless",
        placement="product",
        endpoint=Endpoint("/anthropic", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", ("anthropic.com",)),
        # 0.3.0 has an async client, but the trials use messages, which begin with 0.16.0.
        searched=Searched("anthropic", first="0.16.0", tag="v"),
    ),
    Library(
        "google-genai",
        "google.genai",
        "sdk",
        client="Client",
        sync_client="Client",
        async_by="aio",
        close="aio.aclose",
        http_attribute="_async_httpx_client",
        placement="product",
        endpoint=Endpoint("/gemini", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", ("google.com", "googleapis.com")),
        searched=Searched("google-genai", tag="v"),
    ),
    Library(
        "groq",
        "groq",
        "sdk",
        client="AsyncGroq",
        sync_client="Groq",
        close="close",
        http_attribute="_client",
        stream="async with",
        generator="stainless",
        placement="own",
        # The SDK's own paths begin with /openai/v1.
        endpoint=Endpoint("", "GROQ_BASE_URL", "GROQ_API_KEY", ("groq.com",)),
        searched=Searched("groq", first="0.4.0", tag="v"),
    ),
    Library(
        "mistralai",
        "mistralai.client",
        "sdk",
        client="Mistral",
        sync_client="Mistral",
        async_by="_async",
        generator="speakeasy",
        placement="own",
        # The SDK reads no variable for its base URL, and its own paths begin with /v1.
        endpoint=Endpoint("/mistral", "", "MISTRAL_API_KEY", ("mistral.ai",)),
        searched=Searched("mistralai", first="2.0.0", tag="v"),
    ),
    Library(
        "redis",
        "redis",
        "driver",
        client="asyncio.Redis",
        sync_client="Redis",
        makes=("asyncio.StrictRedis", "asyncio.RedisCluster", "asyncio.from_url"),
        close="aclose",
        placement="own",
        server="redis",
        # Its asyncio client begins with 4.2.0, and aclose with 5.0.1.
        searched=Searched("redis", first="5.0.1", tag="v"),
        observed=(Observed("redis.asyncio.client", "Redis"),),
    ),
    Library(
        "asyncpg",
        "asyncpg",
        "driver",
        client="Pool",
        makes=("create_pool", "connect"),
        close="close",
        placement="own",
        server="postgresql",
        searched=Searched("asyncpg", first="0.29.0", tag="v"),
    ),
    Library(
        "httpcore",
        "httpcore",
        "pool",
        generation="httpx",
        searched=Searched("httpx", first="0.9.0", requirements=("httpx",)),
    ),
    Library(
        "httpcore2",
        "httpcore2",
        "pool",
        generation="httpx2",
        searched=Searched("httpx2", first="2.0.0", requirements=("httpx2",)),
    ),
    Library("anyio", "anyio", "pool", searched=Searched("openai", first="3.0.0", requirements=("openai",))),
    Library(
        "aiohttp",
        "aiohttp",
        "transport",
        makes=("ClientSession",),
        close="close",
        placement="added",
        # google-genai uses aiohttp as soon as it can be imported.
        searched=Searched("google-genai", first="3.8.0", tag="v", requirements=("google-genai",)),
    ),
    Library("httpx-aiohttp", "httpx_aiohttp", "transport", placement="added"),
    Library(
        "uvloop",
        "uvloop",
        "loop",
        placement="added",
        searched=Searched("openai", tag="v", requirements=("openai",), loop="uvloop"),
    ),
    *map(_part, ("h11", "h2", "hpack", "hyperframe", "sniffio", "truststore", "certifi", "tenacity", "requests")),
    *map(_part, ("aiosignal", "aiohappyeyeballs", "async-timeout")),
    _part("google-auth", "google.auth"),
    Library(
        "grpcio",
        "grpc",
        observed=(
            Observed("grpc.aio._channel", "Channel", "__new__", "_close"),
            Observed("grpc.aio._server", "Server", "start", "stop"),
        ),
        makes=("aio.insecure_channel", "aio.secure_channel"),
    ),
    Library(
        "psycopg",
        "psycopg",
        makes=("AsyncConnection.connect",),
        observed=(Observed("psycopg.connection_async", "AsyncConnection", "__new__", "close", anywhere=True),),
    ),
    Library(
        "aiosqlite",
        "aiosqlite",
        observed=(Observed("aiosqlite.core", "Connection", "_connect", "stop", anywhere=True),),
    ),
    Library(
        "sqlalchemy",
        "sqlalchemy",
        no_pool=("poolclass=NullPool", "from sqlalchemy.pool import NullPool"),
        observed=(Observed("sqlalchemy.ext.asyncio.engine", "AsyncEngine"),),
        makes=("ext.asyncio.create_async_engine", "ext.asyncio.async_engine_from_config"),
    ),
    Library("psycopg-pool", "psycopg_pool", close="close", makes=("AsyncConnectionPool",)),
    Library("aiomysql", "aiomysql", makes=("create_pool", "connect")),
    Library("aio-pika", "aio_pika", makes=("connect", "connect_robust")),
    Library("nats-py", "nats", makes=("connect",)),
    Library("tornado", "tornado", per_loop=("httpclient.AsyncHTTPClient",)),
    _made("elasticsearch", ("elasticsearch._async.client", "AsyncElasticsearch")),
    _made("pymongo", ("pymongo.asynchronous.mongo_client", "AsyncMongoClient")),
    _made(
        "aiokafka",
        ("aiokafka.producer.producer", "AIOKafkaProducer"),
        ("aiokafka.consumer.consumer", "AIOKafkaConsumer"),
    ),
    _made("zeroconf", ("zeroconf._core", "Zeroconf"), ("zeroconf.asyncio", "AsyncZeroconf")),
    Library("janus", "janus", bound=("Queue",)),
    Library("motor", "motor", unseen="clients left open, and their use after a fork"),
)

LIBRARIES: Final[dict[str, Library]] = {row.distribution: row for row in _ROWS}
"""Every library by its distribution. The order is that of axes, names of environments and lists in reports."""

SEARCHED: Final[dict[str, Searched]] = {row.distribution: row.searched for row in _ROWS if row.searched is not None}
"""The libraries that `bisect` can search."""


def named(*roles: Role) -> tuple[str, ...]:
    """The distributions of these roles, in the order of the table; of all without any."""
    return tuple(row.distribution for row in _ROWS if not roles or row.role in roles)


def modules(*roles: Role) -> tuple[str, ...]:
    """What programs import of these roles; of all without any."""
    return tuple(row.module for row in _ROWS if not roles or row.role in roles)


def placed(placement: Placement) -> tuple[str, ...]:
    """Returns the distributions with a placement in the matrix."""
    return tuple(row.distribution for row in _ROWS if row.placement == placement)


def generated_by(generator: str) -> tuple[Library, ...]:
    """The SDKs that one tool generated."""
    return tuple(row for row in _ROWS if row.generator == generator)


def stacks() -> dict[str, tuple[str, ...]]:
    """Each generation of the HTTP stack to its distributions."""
    found: dict[str, tuple[str, ...]] = {}
    for row in _ROWS:
        if row.generation:
            found[row.generation] = (*found.get(row.generation, ()), row.distribution)
    return found


def endpoints() -> tuple[Endpoint, ...]:
    """Those of all SDKs."""
    return tuple(row.endpoint for row in _ROWS if row.endpoint is not None)


def base_urls(address: str) -> dict[str, str]:
    """The environment variables that point every SDK to a provider server.

    Args:
        address: of the server or of one trial on it, such as `https://localhost:8443/t/example`.
    """
    return {each.url_variable: address + each.path for each in endpoints() if each.url_variable}


def key_variables() -> tuple[str, ...]:
    """The environment variables of the API keys."""
    return tuple(each.key_variable for each in endpoints())
