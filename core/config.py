"""Every setting, in one table, read once from the environment (prefix ``TOUCHLINE_``)."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "TOUCHLINE_"


@dataclass(frozen=True)
class Setting:
    """One row of the table. ``default`` is text, as it would stand in the environment."""

    name: str
    default: str
    parse: Callable[[str], Any]
    about: str
    secret: bool = False


def _positive(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise ValueError("must be above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("must be 0 or more")
    return value


def _factor(text: str) -> float:
    if text == "on":
        return 1.0
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be on, or a number") from None
    if not 0 < value < math.inf:
        raise ValueError("must be above 0")
    return value


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return parse


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be http://host[:port], or https://…")
    return text.rstrip("/")


def _networks(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return ",".join(str(ip_network(part)) for part in parts)


def _smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0):
        raise ValueError("must be smtp://[user:password@]host[:port], or smtps://…")
    return text


SETTINGS = (
    Setting(
        "DATA_DIR",
        "./touchline-data",
        lambda text: Path(text).expanduser().absolute(),
        "Directory of the embedded database, the private Redis, objects and secrets.",
    ),
    Setting(
        "DATABASE_URL",
        "",
        str,
        "SQLAlchemy URL. Empty: a SQLite file in the data directory (WAL). "
        "PostgreSQL: postgresql+psycopg://user:password@host/name.",
        secret=True,
    ),
    Setting(
        "REDIS_URL",
        "",
        str,
        "Redis or Valkey URL. Empty: a private server on a unix socket in the data directory, "
        "started by `touchline up`.",
        secret=True,
    ),
    Setting(
        "OBJECTS_URL",
        "",
        str,
        "Where uploaded files are kept, as a directory path. Empty: `objects` in the data "
        "directory.",
    ),
    Setting(
        "SECRET_KEY",
        "",
        str,
        "Seals what the server signs. Empty: made on first start in the data directory, mode 0600.",
        secret=True,
    ),
    Setting(
        "PUBLIC_URL",
        "http://127.0.0.1:8000",
        _public_url,
        "Where people reach this platform; links in mail begin with it. `touchline up` takes the "
        "address on which it listens.",
    ),
    Setting(
        "SMTP_URL",
        "",
        _smtp_url,
        "Mail server: smtp://[user:password@]host[:port] (TLS where it is offered), or smtps://. "
        "Empty: messages are kept as files in the data directory; `touchline mail` shows them.",
        secret=True,
    ),
    Setting("MAIL_FROM", "touchline@localhost", str, "Sender's address of mail."),
    Setting(
        "MAIL_PASSWORDS",
        "off",
        _choice("off", "on"),
        "on: the first mail of an account that was made without a password carries one, instead "
        "of a one-time link to set it.",
    ),
    Setting("TOKEN_SECONDS", "36000", _positive, "Life of an access token in seconds."),
    Setting("MAX_BODY_MB", "8", _positive, "Largest JSON body in MiB; beyond it: 413."),
    Setting("MAX_FILE_MB", "256", _positive, "Largest uploaded file in MiB; beyond it: 413."),
    Setting(
        "PROXIES",
        "0",
        _count,
        "Reverse proxies in front whose X-Forwarded-For, -Proto and -Host headers are believed.",
    ),
    Setting(
        "NET_ALLOW",
        "",
        _networks,
        "Addresses that webhooks and other outgoing requests may reach beside public ones: CIDR, "
        "comma-separated, for example 10.1.0.0/16,127.0.0.0/8. Plain http goes to these only.",
    ),
    Setting(
        "THROTTLE",
        "on",
        _factor,
        "on, or a factor on every limit of requests per client and address, for example 100.",
    ),
    Setting(
        "METRICS_ALLOW",
        "127.0.0.0/8,::1",
        _networks,
        "Addresses and networks (CIDR), with commas, to which `/metrics` is shown; nobody logs in "
        "there.",
    ),
    Setting(
        "LOG_LEVEL",
        "info",
        _choice("debug", "info", "warning", "error"),
        "Least severe message that is logged.",
    ),
    Setting(
        "LOG_FORMAT",
        "auto",
        _choice("auto", "json", "text"),
        "json: one object a line. text: for people. auto: text on a terminal, else json.",
    ),
)


class ConfigError(ValueError):
    """A setting that cannot be read; the sentence names it."""


@dataclass(frozen=True)
class Config:
    """Parsed settings. ``origin`` says where each value came from: environment, option, default."""

    data_dir: Path
    database_url: str
    redis_url: str
    objects_url: str
    secret_key: str
    public_url: str
    smtp_url: str
    mail_from: str
    mail_passwords: str
    token_seconds: int
    max_body_mb: int
    max_file_mb: int
    proxies: int
    net_allow: str
    throttle: float
    metrics_allow: str
    log_level: str
    log_format: str
    origin: Mapping[str, str]

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, **options: str | None) -> "Config":
        """Read the table once; ``options`` (command line) win over the environment.

        Raises ConfigError naming the setting.
        """
        env = os.environ if env is None else env
        values: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for setting in SETTINGS:
            key = setting.name.lower()
            option = options.get(key)
            if option is not None:
                text, origin[key] = option, "option"
            elif env.get(PREFIX + setting.name):
                text, origin[key] = env[PREFIX + setting.name], "environment"
            else:
                text, origin[key] = setting.default, "default"
            try:
                values[key] = setting.parse(text)
            except ValueError as error:
                raise ConfigError(f"{PREFIX}{setting.name}: {error} (given: {text!r})") from None
        data_dir: Path = values["data_dir"]
        values["database_url"] = values["database_url"] or f"sqlite:///{data_dir / 'touchline.db'}"
        values["redis_url"] = values["redis_url"] or f"unix://{data_dir / 'redis.sock'}"
        values["objects_url"] = values["objects_url"] or str(data_dir / "objects")
        return cls(**values, origin=origin)

    @property
    def embedded_redis(self) -> bool:
        """Does this box run its own private Redis?"""
        return self.origin["redis_url"] == "default"

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    def environment(self) -> dict[str, str]:
        """The settings as variables, for the child processes of one box."""
        return {
            PREFIX + setting.name: str(getattr(self, setting.name.lower()))
            for setting in SETTINGS
            if getattr(self, setting.name.lower()) != ""
        }
