"""Messages: sent by SMTP where a server is configured, else kept as files that people can read."""

import os
import smtplib
import ssl
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

TIMEOUT = 20.0  # seconds for each answer of the server
FOLDER = "mail"  # in the data directory
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Message(NamedTuple):
    """A plain text to one address."""

    to: str
    subject: str
    body: str


@dataclass(frozen=True)
class Postbox:
    """``url`` is empty where messages are kept in ``folder``."""

    url: str
    sender: str
    folder: Path

    def deliver(self, message: Message) -> None:
        """Raises OSError or smtplib.SMTPException; then nobody has it, or the server has it and
        could not say so.
        """
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, message.to, message.subject
        mail["Date"], mail["Message-ID"] = formatdate(usegmt=True), make_msgid(domain="touchline")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        if self.url:
            self._send(mail)
        else:
            self._keep(mail)

    def _send(self, mail: EmailMessage) -> None:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
        with server:
            secret = parts.scheme == "smtps"
            server.ehlo_or_helo_if_needed()
            if not secret and server.has_extn("starttls"):
                server.starttls(context=context)
                secret = True
            if parts.username:
                if not secret and host not in _LOOPBACK:
                    raise smtplib.SMTPException("the server offers no TLS: no password sent")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(mail)

    def _keep(self, mail: EmailMessage) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{uuid4().hex[:8]}.eml"
        fresh = self.folder / f".{name}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(mail.as_bytes())
        fresh.rename(self.folder / name)


def kept(folder: Path) -> list[Message]:
    """The messages in a folder, the oldest first."""
    found = []
    for path in sorted(folder.glob("[0-9]*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        found.append(Message(str(mail["To"]), str(mail["Subject"]), mail.get_content().strip()))
    return found
