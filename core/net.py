"""Outgoing HTTP to addresses that somebody else chose: webhooks, pings, notifications.

A name is resolved once, every address it has is judged, and the connection goes to one of those
that were judged: a second answer of the name server (DNS rebinding) has no say. Private, loopback,
link-local, metadata and multicast addresses are refused unless the operator lists them
(``TOUCHLINE_NET_ALLOW``); plain http goes to listed addresses only. TLS is verified against the
name. Redirects are answers like any other, proxies of the environment are not used, and no peer
holds a call longer than ``SECONDS`` or fills the memory.
"""

import ipaddress
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

SECONDS = 10.0  # for the whole call
CONNECT_SECONDS = 5.0
RESOLVE_SECONDS = 3.0
LONGEST_BODY = 16_384  # bytes of an answer that are read

# Labels of 1 to 63 characters, 253 in all (RFC 1035), with the underscore that resolvers take.
_NAME = re.compile(r"(?=.{1,254}$)([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.IGNORECASE)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str], Iterable[str]]

# Global by the registries, and yet no receivers: they carry or stand for other addresses, or are
# a cloud's own services behind a public number.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's wire server
        "192.88.99.0/24",  # 6to4 relays
        "::/96",  # IPv4-compatible
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local
    )
)


class CallFailed(Exception):
    """No answer; the sentence says why."""


class Refused(CallFailed):
    """The call is not made, whoever would answer."""


@dataclass(frozen=True)
class Answer:
    """``headers`` by lower-case name. ``body``: its first ``LONGEST_BODY`` bytes at most."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Target:
    """Where a URL leads. ``host`` in ASCII, without brackets."""

    scheme: str
    host: str
    port: int
    path: bytes


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma-separated list in CIDR form. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def resolve(host: str) -> list[str]:
    """Every address of a name, by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


@dataclass(frozen=True)
class Caller:
    """Makes calls. ``allowed``: what the operator lets through beside public addresses."""

    allowed: Sequence[Network] = ()
    resolver: Resolver = resolve
    seconds: float = SECONDS

    def check(self, url: str) -> None:
        """Raises Refused where the URL leads to a forbidden address now. A name that nobody knows
        yet passes: the call itself judges again.
        """
        target = _target(url)
        try:
            self._judged(target, time.monotonic() + RESOLVE_SECONDS)
        except Refused:
            raise
        except CallFailed:
            if not self.allowed:  # whatever it turns out to be, it must be public
                _require_https(target)

    def post(self, url: str, body: bytes, headers: Mapping[str, bytes]) -> Answer:
        """POST, once. Raises CallFailed, or Refused without having sent anything."""
        target = _target(url)
        deadline = time.monotonic() + self.seconds
        pool = httpcore.ConnectionPool(
            ssl_context=_tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            max_connections=1,
            network_backend=_Backend(self, target, deadline),
        )
        try:
            with (
                pool,
                pool.stream(
                    b"POST",
                    httpcore.URL(
                        scheme=target.scheme.encode(),
                        host=target.host.encode(),
                        port=target.port,
                        target=target.path,
                    ),
                    headers=[(name.encode(), value) for name, value in headers.items()],
                    content=body,
                    extensions={"timeout": {"connect": CONNECT_SECONDS}},
                ) as response,
            ):
                return Answer(
                    response.status,
                    {
                        name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in response.headers
                    },
                    _beginning(response),
                )
        except httpcore.TimeoutException:
            raise CallFailed(f"no answer within {self.seconds:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise CallFailed(_said(error)) from None

    def _judged(self, target: _Target, deadline: float) -> list[str]:
        """The addresses to connect to. Raises Refused when one of them is forbidden."""
        found = self._addresses(target.host, deadline)
        listed = [self._listed(address) for address in found]
        for address, is_listed in zip(found, listed, strict=True):
            if not is_listed and not _public(address):
                raise Refused(f"{target.host} leads to {address}, which is not a public address")
        if not all(listed):
            _require_https(target)
        return [str(address) for address in found]

    def _addresses(self, host: str, deadline: float) -> list[Address]:
        found: list[Address] = []
        failure: list[Exception] = []

        def look() -> None:
            try:
                found.extend(_plain(text) for text in self.resolver(host))
            except (OSError, ValueError) as error:
                failure.append(error)

        # The system's resolver knows no deadline; a daemon keeps no process from ending.
        thread = threading.Thread(target=look, name="resolve", daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            raise CallFailed(f"the address of {host} was not found in time")
        if failure or not found:
            raise CallFailed(f"{host} has no address")
        return found

    def _listed(self, address: Address) -> bool:
        return any(address in network for network in self.allowed)


class _Backend(httpcore.NetworkBackend):
    """Connects to judged addresses only; the streams keep the deadline of the call."""

    def __init__(self, caller: Caller, target: _Target, deadline: float) -> None:
        self._caller, self._target, self._deadline = caller, target, deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        limit = min(self._deadline, time.monotonic() + CONNECT_SECONDS)
        addresses = self._caller._judged(self._target, limit)
        for left in range(len(addresses), 0, -1):
            address, seconds = addresses[-left], _left(limit) / left
            try:
                stream = self._sockets.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.NetworkError, httpcore.TimeoutException):
                if left == 1:
                    raise
            else:
                return _Stream(stream, self._deadline)
        raise AssertionError("a name that was judged has an address")


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the call."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


@cache  # reading the authorities takes 0.3 s
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:
    """certifi's authorities, or those of the environment."""
    return httpx.create_ssl_context()


def _left(deadline: float) -> float:
    """Seconds; raises a time-out where none are left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of the call is over")
    return left


def _target(url: str) -> _Target:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"not a URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused("must be an http or https URL with a host")
    if parsed.userinfo:
        raise Refused("must not hold credentials")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise Refused(f"not a URL: there is no port {parsed.port}")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    host = parsed.raw_host.decode("ascii")
    if not (_NAME.fullmatch(host) or _is_address(host)):
        raise Refused(f"not a URL: {host!r} is no name of a host")
    return _Target(parsed.scheme, host, port, parsed.raw_path)


def _is_address(host: str) -> bool:
    """An IP address without a zone: a zone is this machine's own affair."""
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _require_https(target: _Target) -> None:
    """What a public address is asked: https, on its own port or on one that is free for all."""
    if target.scheme != "https":
        raise Refused("a public address is called by https only")
    if target.port != 443 and target.port < 1024:
        raise Refused(f"port {target.port} of a public address is not called")


def _plain(text: str) -> Address:
    """The address; an IPv4 one that is wrapped in IPv6 is unwrapped."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _beginning(response: httpcore.Response) -> bytes:
    """The body as far as it is wanted, or came: the status is there already, and counts."""
    body = bytearray()
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for part in response.iter_stream():
            body += part
            if len(body) >= LONGEST_BODY:
                break
    return bytes(body[:LONGEST_BODY])


def _said(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS: {cause.reason or cause}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return f"it did not answer in HTTP: {cause}"
