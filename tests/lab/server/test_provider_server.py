"""The whole server over real sockets and real TLS, asked by the standard library's client."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import select
import socket
import ssl
import stat
import threading
import tracemalloc
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.lab.server import Account, Faults, ProviderServer
from diagnostics.lab.server.app import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAT = "openai/v1/chat/completions"


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


class Client:
    """One keep-alive connection, in the name of one trial."""

    def __init__(self, server: ProviderServer, trial: str, host: str = "localhost") -> None:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        port = int(server.url.rpartition(":")[2])
        self.prefix = server.trial_url(trial).removeprefix(server.url)
        self.http = http.client.HTTPSConnection(host, port, context=context, timeout=30)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        self.http.request(method, f"{self.prefix}/{path}", body, headers)
        return self.http.getresponse()

    def ask(self, text: str, **more: Any) -> str:
        body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
        response = self.send("POST", CHAT, json.dumps(body).encode())
        data = json.loads(response.read())
        assert response.status == 200, data
        answer: str = data["choices"][0]["message"]["content"]
        return answer

    def control(self, method: str, what: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.send(method, f"control/{what}").read())
        return found

    def ended(self) -> bool:
        """Whether the end of the connection has already arrived: no waiting."""
        return bool(select.select([self.http.sock], [], [], 0)[0]) and self.at_end()

    def at_end(self) -> bool:
        """Waits for the end, with or without a goodbye; False if data comes instead."""
        with contextlib.suppress(ssl.SSLEOFError):
            return self.http.sock.recv(1) == b""
        return True


@pytest.fixture
def trial(server: ProviderServer) -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    server.forget(name)


@pytest.fixture
def connect(server: ProviderServer, trial: str) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def connect_one(name: str = trial, host: str = "localhost") -> Client:
            client = Client(server, name, host)
            stack.callback(client.http.close)
            return client

        yield connect_one


def until_closed(server: ProviderServer, trial: str) -> Account:
    """The account once the server has noticed that the clients left; nothing tells the client when."""
    pause = threading.Event()
    while (account := server.account(trial)).open_connections:
        pause.wait(0.005)
    return account


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_it_answers_under_every_name_of_this_machine(connect: Any, host: str) -> None:
    client = connect(host=host)
    if host == "::1":
        try:
            client.http.connect()
        except OSError as error:
            pytest.skip(f"no IPv6 loopback here: {error}")
    assert client.ask("who are you?") == "echo: who are you?"


def test_a_client_that_does_not_know_the_authority_refuses(server: ProviderServer) -> None:
    stranger = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    stranger.close()


def test_the_account_counts_requests_retries_and_connections(server: ProviderServer, trial: str, connect: Any) -> None:
    assert server.account(trial) == Account()
    first, second = connect(), connect()
    for number in range(3):
        assert first.ask(f"question {number}") == f"echo: question {number}"
    assert second.send("GET", "openai/v1/models", None, **{"x-stainless-retry-count": "1"}).read()
    assert second.send("GET", "openai/v1/models", None, **{"x-stainless-retry-count": "0"}).read()
    assert server.account(trial) == Account(requests=5, retries=1, connections=2, open_connections=2)
    watcher = connect()
    assert watcher.control("GET", "account") == {"requests": 5, "retries": 1, "connections": 2, "open_connections": 2}
    first.http.close()
    second.http.close()
    assert until_closed(server, trial) == Account(requests=5, retries=1, connections=2)
    assert server.forget(trial) == Account(requests=5, retries=1, connections=2)
    assert server.account(trial) == Account()


def test_half_a_request_is_none(server: ProviderServer, trial: str, connect: Any) -> None:
    client = connect()
    client.http.putrequest("POST", f"/t/{trial}/{CHAT}")
    client.http.putheader("content-length", "1000")
    client.http.endheaders(b"{")
    client.http.close()
    assert connect().ask("x") == "echo: x"
    assert server.account(trial).requests == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_not_kept(
    server: ProviderServer, trial: str, connect: Any, chunked: bool
) -> None:
    client = connect()
    megabyte = bytes(2**20)
    size = 64 * len(megabyte)
    parts = (megabyte for _ in range(64))
    tracemalloc.start()
    try:
        client.http.request(
            "POST",
            f"{client.prefix}/{CHAT}",
            parts,
            {} if chunked else {"Content-Length": str(size)},
            encode_chunked=chunked,
        )
        response = client.http.getresponse()
        error = json.loads(response.read())["error"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (response.status, error["message"]) == (413, f"The request is larger than {LARGEST_BODY} bytes")
    assert peak < size / 2
    assert connect().ask("and after it") == "echo: and after it"


def test_without_a_prefix_the_trial_is_a_dash(server: ProviderServer, connect: Any) -> None:
    client = connect("-")
    client.prefix = ""
    before = server.account("-").requests
    assert client.ask("x") == "echo: x"
    assert server.account("-").requests == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nowhere", None, 404),
        ("POST", "openai/v1/completions/", b"{}", 404),
        ("GET", CHAT, None, 405),
        ("POST", CHAT, b"{", 400),
        ("POST", CHAT, b"[1]", 400),
        ("POST", CHAT, b"\xff\xfe", 400),
        ("POST", CHAT, b"[" * 100_000, 400),
        ("POST", CHAT, b'{"model": "m"}', 400),
    ],
)
def test_wrong_requests_get_openais_error(
    connect: Any, method: str, path: str, body: bytes | None, status: int
) -> None:
    client = connect()
    response = client.send(method, path, body)
    error = json.loads(response.read())["error"]
    assert (response.status, error["type"]) == (status, "invalid_request_error")
    assert error["message"]
    assert client.ask("still there?") == "echo: still there?"


@pytest.mark.parametrize("wrong", ["", "a/b", "a b", "é", "x?"])
def test_a_trial_must_have_a_name_that_fits_a_path(server: ProviderServer, wrong: str) -> None:
    with pytest.raises(ValueError, match="name"):
        server.trial_url(wrong)


def test_planned_statuses_come_first_and_say_when_to_come_back(
    server: ProviderServer, trial: str, connect: Any
) -> None:
    server.plan(trial, Faults(status=(429, 500), retry_after=1.5))
    client = connect()
    for path, status in (("anthropic/v1/messages", 429), ("gemini/v1beta/models/g:generateContent", 500)):
        response = client.send("POST", path, b"{}")
        assert json.loads(response.read())["error"]["message"] == "planned by the trial"
        assert (response.status, response.getheader("retry-after")) == (status, "2")
        assert response.getheader("retry-after-ms") == "1500"
    assert client.ask("now?") == "echo: now?"


def test_reset_is_an_error_and_not_an_end(server: ProviderServer, trial: str, connect: Any) -> None:
    server.plan(trial, Faults(reset=2))
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            connect().ask("x")
    assert connect().ask("x") == "echo: x"
    assert server.account(trial).requests == 3


def test_half_close_ends_one_direction_only(server: ProviderServer, trial: str, connect: Any) -> None:
    server.plan(trial, Faults(half_close=1))
    client = connect()
    assert client.ask("x") == "echo: x"
    assert client.at_end()
    assert server.account(trial) == Account(requests=1, connections=1, open_connections=1)
    client.http.sock.sendall(f"GET /t/{trial}/openai/v1/models HTTP/1.1\r\n\r\n".encode())
    assert until_closed(server, trial) == Account(requests=1, connections=1)
    assert connect().ask("y") == "echo: y"


def test_an_idle_connection_expires_as_planned(server: ProviderServer, trial: str, connect: Any) -> None:
    server.plan(trial, Faults(keepalive_expiry=0.01))
    client = connect()
    assert client.ask("x") == "echo: x"
    assert client.at_end()
    assert until_closed(server, trial).connections == 1


def test_a_slow_body_arrives_whole(server: ProviderServer, trial: str, connect: Any) -> None:
    server.plan(trial, Faults(slow_body=0.001, latency=0.001))
    client = connect()
    assert client.ask("x") == "echo: x"
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    assert client.send("POST", CHAT, body).read().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_cut_stream_ends_early_and_says_so(server: ProviderServer, trial: str, connect: Any, chunks: int) -> None:
    server.plan(trial, Faults(cut_stream_after=chunks))
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    client = connect()
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.send("POST", CHAT, body).read()
    assert caught.value.partial.count(b"data: ") == chunks
    assert connect().ask("x") == "echo: x", "only streams are cut"


def test_drop_idle_has_closed_them_when_it_answers(server: ProviderServer, trial: str, connect: Any) -> None:
    idle = [connect() for _ in range(5)]
    stranger, asking, busy = connect("another"), connect(), connect()
    for client in (*idle, asking, stranger):
        client.ask("x")
    server.plan(trial, Faults(slow_body=0.01))
    busy.http.request(
        "POST", f"/t/{trial}/{CHAT}", json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    )
    answer = busy.http.getresponse()  # The head is here, the body is on its way.
    assert asking.control("POST", "drop-idle") == {"dropped": 5}
    assert all(client.ended() for client in idle)
    assert server.account(trial).open_connections == 2
    assert answer.read()
    server.plan(trial, Faults())
    assert asking.ask("y") == stranger.ask("y") == "echo: y"
    assert asking.control("POST", "drop-idle") == {"dropped": 1}
    server.forget("another")


def test_three_hundred_connections_at_once(server: ProviderServer, trial: str, connect: Any) -> None:
    clients = [connect() for _ in range(300)]
    port = int(server.url.rpartition(":")[2])
    for client in clients:
        # TCP first for all of them, and only then the handshakes: they wait in the backlog together.
        client.http.sock = socket.create_connection(("localhost", port))
        client.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    for client in clients:
        client.http.sock = context.wrap_socket(client.http.sock, server_hostname="localhost")
    assert {client.ask("x") for client in clients} == {"echo: x"}
    assert server.account(trial) == Account(requests=300, connections=300, open_connections=300)


def test_rubbish_is_answered_and_not_logged(server: ProviderServer, capfd: pytest.CaptureFixture[str]) -> None:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    address = ("localhost", int(server.url.rpartition(":")[2]))
    with socket.create_connection(address) as raw, context.wrap_socket(raw, server_hostname="localhost") as tls:
        tls.sendall(b"\x00rubbish\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 400")
    with socket.create_connection(address) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")  # Not TLS at all.
        raw.recv(100)
    assert capfd.readouterr() == ("", "")


def test_drop_idle_also_ends_what_only_waits_for_a_goodbye(server: ProviderServer, trial: str, connect: Any) -> None:
    leaving, asking = connect(), connect()
    leaving.http.connect()
    sock = leaving.http.sock
    sock.sendall(f"GET /t/{trial}/openai/v1/models HTTP/1.1\r\nconnection: close\r\n\r\n".encode())
    assert sock.recv(10) == b"HTTP/1.1 2"
    assert server.account(trial).open_connections == 1
    assert asking.control("POST", "drop-idle") == {"dropped": 1}
    assert server.account(trial).open_connections == 0


def test_it_stops_at_once_and_leaves_nothing() -> None:
    threads = threading.active_count()
    with ProviderServer(faults=Faults(latency=3600)) as server, contextlib.ExitStack() as stack:
        folder = server.ca_file.parent
        assert [path.name for path in folder.iterdir()] == ["ca.pem"], "no key stays on disk"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        port = int(server.url.rpartition(":")[2])
        stack.enter_context(socket.create_connection(("localhost", port)))  # Never shakes hands.
        client = Client(server, "x")
        stack.callback(client.http.close)
        client.http.request("GET", "/t/x/openai/v1/models")  # Answered in an hour.
        pause = threading.Event()
        while server.account("x").requests == 0:
            pause.wait(0.005)
        server.close()
        assert client.at_end()
        server.close()
    assert not folder.exists()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    gc.collect()  # An unclosed socket or loop would now warn, and a warning is an error here.


def test_ten_servers_one_after_the_other_leave_no_descriptor() -> None:
    import psutil  # noqa: PLC0415

    me = psutil.Process()
    with ProviderServer():
        pass
    before = me.num_fds()
    for _ in range(10):
        with ProviderServer() as server:
            client = Client(server, "x")
            client.ask("x")
            client.http.close()
    gc.collect()
    assert me.num_fds() == before
