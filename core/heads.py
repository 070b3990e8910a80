"""Reads the head of a request. gevent's server hands it to the email package, which takes as long
as the rest of the server; heads as clients send them are only lines of ``name: value``.
"""

import re
from io import BufferedIOBase, BytesIO
from typing import Any

import structlog
from gevent.pywsgi import OldMessage, headers_factory

from core.patience import Patient

MOST_LINES = 100  # as http.client has it
LONGEST_LINE = 65536
SHORT_BODY = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS = re.compile(r"[0-9]+")
_VALUE = re.compile(r"[\t -~]*")

log = structlog.get_logger(__name__)


def read(stream: BufferedIOBase) -> Any:
    """The head's fields as gevent wants them. What is not plainly ``name: value`` (a folded line,
    a blank before the colon, a stray control character) goes the long way, with all its rules.
    """
    lines: list[bytes] = []
    plain = OldMessage()
    while (line := stream.readline(LONGEST_LINE + 1)) not in (b"\r\n", b"\n", b""):
        lines.append(line)
        if len(line) > LONGEST_LINE or len(lines) > MOST_LINES:
            plain.status = "Line too long"
            return plain
    for line in lines:
        name, colon, value = line.decode("latin-1").rstrip("\r\n").partition(":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            return headers_factory(BytesIO(b"".join(lines) + b"\r\n"))
        plain.set_raw(name, value.lstrip(" \t"))
    return plain


def is_ambiguous(fields: Any) -> bool:
    """Could a proxy in front see the end of this request somewhere else, and a request in what we
    take for its body, or the other way round? RFC 9112 sections 5.1 and 6 let a server refuse it.
    """
    framing = [
        (name.lower(), value)
        for name, value in fields.items()
        if name.lower() in ("content-length", "transfer-encoding")
    ]
    if fields.defects:  # a blank before the colon, a line that is no field
        return True
    if not framing:
        return False
    (name, value), *others = framing
    if name == "content-length":
        return bool(others) or not _DIGITS.fullmatch(value)
    return bool(others) or value.lower() != "chunked"


class Handler(Patient):
    """gevent's, with ``read`` above; a short body goes out in one piece with its head, as a call of
    the system costs more than the copy.
    """

    def log_request(self) -> None:
        """Nothing: the application writes the access log (core.api.requests)."""

    def log_error(self, *_: Any) -> None:
        """What is no request is no error of ours: scanners of ports send such. Its text may hold
        what belongs in no log.
        """
        log.info("not a request", peer=str(self.client_address[0]))

    def MessageClass(self, stream: BufferedIOBase, *_: Any) -> Any:
        fields = read(stream)
        if not fields.status and is_ambiguous(fields):
            fields.status = "It is not clear where the body ends"
        return fields

    def _write_with_headers(self, data: bytes) -> None:
        self.headers_sent = True
        self.finalize_headers()
        lines = [b"HTTP/1.1 " + self.status]
        lines += [name + b": " + value for name, value in self.response_headers]
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        data = data or b""  # gevent's own 400 is an empty text
        if self.response_use_chunked or len(data) > SHORT_BODY:
            self._sendall(head)
            self._write(data)
        else:
            self._sendall(head + data)
