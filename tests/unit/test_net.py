"""Outgoing requests against real servers: who may be called, and what no peer can do to us."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.config import Config, ConfigError
from core.net import LONGEST_BODY, Caller, CallFailed, Refused, networks
from tests.receivers import Call, Receiver, Reply, certificate, raw_server, receiver

LOOPBACK = networks("127.0.0.0/8, ::1/128")
OPEN = Caller(LOOPBACK)
HASTY = Caller(LOOPBACK, seconds=0.6)


def post(caller: Caller, url: str) -> int:
    return caller.post(url, b'{"a": 1}', {"Content-Type": b"application/json"}).status


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def known_as(*addresses: str) -> Callable[[str], list[str]]:
    return lambda _host: list(addresses)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255",
        "240.0.0.1", "192.0.0.170", "198.18.0.1", "192.0.2.1", "168.63.129.16", "192.88.99.1",
        "::", "::1", "fe80::1", "fe80::1%lo", "fd00:ec2::254", "fc00::1", "ff02::1", "fec0::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    caller = Caller(resolver=known_as(address))
    for call in (caller.check, lambda url: post(caller, url)):
        with pytest.raises(Refused, match="not a public address"):
            call("https://receiver.example/")


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_not_refused(address: str) -> None:
    Caller(resolver=known_as(address)).check("https://receiver.example/hook")


def test_one_forbidden_address_among_several_is_enough() -> None:
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        Caller(resolver=known_as("1.1.1.1", "10.0.0.1")).check("https://receiver.example/")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"]
)
def test_the_loopback_is_refused_however_it_is_written(host: str, hook: Receiver) -> None:
    port = hook.url.split(":")[2].split("/")[0]
    for scheme in ("http", "https"):
        with pytest.raises(Refused):
            post(Caller(), f"{scheme}://{host}:{port}/hook")
    assert hook.calls == []


def test_the_operator_may_allow_addresses(hook: Receiver) -> None:
    OPEN.check(hook.url)
    assert post(OPEN, hook.url) == 200
    (call,) = hook.calls
    assert call.body == b'{"a": 1}'
    assert call.headers["content-type"] == "application/json"
    with pytest.raises(Refused):
        post(Caller(networks("10.0.0.0/8")), hook.url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://receiver.example/", "https only"),
        ("https://receiver.example:25/", "port 25"),
        ("https://me:secret@receiver.example/", "credentials"),
        ("ftp://receiver.example/", "http or https"),
        ("https:///x", "host"),
        ("https://receiver.example:99999/", "URL"),
    ],
)
def test_what_a_public_address_is_not_asked(url: str, why: str) -> None:
    caller = Caller(resolver=known_as("1.1.1.1"))
    for call in (caller.check, lambda url: post(caller, url)):
        with pytest.raises(Refused, match=why):
            call(url)


def test_a_name_that_changes_its_mind_is_asked_once(hook: Receiver) -> None:
    """DNS rebinding: the second answer would be another address, and nobody asks for it."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    asked: list[str] = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    url = hook.url.replace("127.0.0.1", "receiver.example")
    assert post(Caller(LOOPBACK, resolver), url) == 200
    assert asked == ["receiver.example"]
    assert hook.calls[0].headers["host"].startswith("receiver.example:")
    with pytest.raises(Refused, match=r"169\.254\.169\.254"):
        post(Caller(LOOPBACK, resolver), url)
    assert len(hook.calls) == 1


def test_a_name_that_nobody_knows_passes_the_check_and_fails_the_call() -> None:
    def unknown(_host: str) -> list[str]:
        raise OSError("Name or service not known")

    caller = Caller(resolver=unknown)
    caller.check("https://receiver.example/")
    with pytest.raises(CallFailed, match="has no address"):
        post(caller, "https://receiver.example/")


def test_a_name_server_that_does_not_answer_ends_with_the_call() -> None:
    began = time.monotonic()
    with pytest.raises(CallFailed, match="in time"):
        post(
            Caller(resolver=lambda _: time.sleep(5) or [], seconds=0.2), "https://receiver.example/"
        )
    assert time.monotonic() - began < 3


def test_the_next_address_is_tried(hook: Receiver) -> None:
    port = hook.url.split(":")[2]
    caller = Caller(LOOPBACK, known_as("::1", "127.0.0.1"))
    assert post(caller, f"http://receiver.example:{port}") == 200


def test_redirects_are_answers() -> None:
    def elsewhere(_: Call) -> Reply:
        return Reply(302, {"Location": "http://169.254.169.254/latest/meta-data/"})

    with receiver(elsewhere) as hook:
        answer = OPEN.post(hook.url, b"{}", {})
    assert answer.status == 302
    assert len(hook.calls) == 1


def test_proxies_of_the_environment_are_not_used(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(OPEN, hook.url) == 200


# -- what servers can do --------------------------------------------------------------------------


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "", "")).encode()


def take(connection: socket.socket) -> None:
    """Read the whole request: closing with bytes unread would reset the connection."""
    data = b""
    while not data.endswith(b"}"):
        data += connection.recv(65536)


def silent(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(5)


def dripping(connection: socket.socket) -> None:
    for byte in head("Content-Length: 0"):
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x" * 65536)


def endless_interim(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def reset(connection: socket.socket) -> None:
    connection.recv(1)  # closing with bytes unread resets


def nonsense(connection: socket.socket) -> None:
    take(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (silent, "no answer within"),
        (dripping, "no answer within"),
        (endless_headers, "answer in HTTP"),
        (endless_interim, "no answer within|answer in HTTP"),
        (reset, "reset|disconnected"),
        (nonsense, "answer in HTTP"),
    ],
)
def test_bad_servers_end_as_failures(serve: Callable[[socket.socket], None], why: str) -> None:
    began = time.monotonic()
    with raw_server(serve) as port, pytest.raises(CallFailed, match=why):
        post(HASTY, f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 3


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CallFailed, match="refused"):
        post(OPEN, f"http://127.0.0.1:{port}/")


def test_an_endless_body_is_cut() -> None:
    def serve(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(head("Content-Length: 1000000000"))
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(serve) as port:
        answer = OPEN.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert (answer.status, len(answer.body)) == (200, LONGEST_BODY)


def test_a_body_that_drips_is_cut_when_the_time_is_over() -> None:
    def serve(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(head("Content-Length: 1000", "Retry-After: 7"))
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    began = time.monotonic()
    with raw_server(serve) as port:
        answer = HASTY.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert answer.status == 200
    assert answer.headers["retry-after"] == "7"
    assert 0 < len(answer.body) < 100
    assert time.monotonic() - began < 3


# -- TLS ------------------------------------------------------------------------------------------


def well_behaved(connection: socket.socket) -> None:
    take(connection)
    connection.sendall(head("Content-Length: 2") + b"ok")


def tls(folder: Path, name: str, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    public, private = certificate(folder, name, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def test_a_certificate_that_is_trusted_and_fits_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, public = tls(tmp_path, "receiver.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    caller = Caller(LOOPBACK, known_as("127.0.0.1"))
    with raw_server(well_behaved, context) as port:
        assert post(caller, f"https://receiver.example:{port}/") == 200
        with pytest.raises(CallFailed, match=r"not valid.*other\.example"):
            post(caller, f"https://other.example:{port}/")


@pytest.mark.parametrize(("trusted", "days"), [(False, 1), (True, -1)])
def test_a_certificate_that_is_unknown_or_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, days: int
) -> None:
    context, public = tls(tmp_path, "receiver.example", days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
    caller = Caller(LOOPBACK, known_as("127.0.0.1"))
    why = "expired" if trusted else "self-signed"
    with raw_server(well_behaved, context) as port, pytest.raises(CallFailed, match=why):
        post(caller, f"https://receiver.example:{port}/")


def test_no_tls_where_tls_is_asked_for(hook: Receiver) -> None:
    with pytest.raises(CallFailed, match="TLS"):
        post(OPEN, hook.url.replace("http:", "https:"))
    assert hook.calls == []


@pytest.mark.parametrize("text", ["10.0.0.1/8", "nowhere", "10.0.0.0/33"])
def test_networks_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="TOUCHLINE_NET_ALLOW"):
        Config.load({"TOUCHLINE_NET_ALLOW": text})
