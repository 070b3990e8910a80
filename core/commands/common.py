"""What commands share: their options, how they answer, how they fail."""

import functools
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from core.config import Config, ConfigError

if TYPE_CHECKING:
    from core.models.db import Database

Answer = dict[str, Any] | list[dict[str, Any]]


class Found(Exception):
    """An answer that is to be printed like any other, and says that something is wrong: exit 1."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def command(group: click.Group, name: str, example: str, *, answers: bool = True) -> Any:
    """A command of ``group`` with ``--data-dir``, an example in its help and, if it ``answers``,
    ``--json``. The function gets ``config`` first; what it returns is printed on stdout. Errors
    that may be told become one sentence on stderr and exit 1; wrong usage is click's exit 2.
    """

    def decorate(function: Callable[..., Answer | None]) -> click.Command:
        @functools.wraps(function)
        def run(data_dir: str | None, as_json: bool = False, **options: Any) -> None:
            with told_errors():
                config = Config.load(data_dir=data_dir)
                configure_logs(config)
                try:
                    answer = function(config, **options)
                except Found as found:
                    click.echo(render(found.answer, as_json))
                    raise SystemExit(1) from None
            if answer is not None:
                click.echo(render(answer, as_json))

        wrapped = click.option(
            "--data-dir",
            metavar="DIR",
            help="Data directory. [env: TOUCHLINE_DATA_DIR; default: ./touchline-data]",
        )(run)
        if answers:
            wrapped = click.option(
                "--json", "as_json", is_flag=True, help="Answer one JSON document on stdout."
            )(wrapped)
        return group.command(name, epilog=f"Example: {example}")(wrapped)

    return decorate


@contextmanager
def told_errors() -> Iterator[None]:
    """Turn the domain's errors into a sentence on stderr and exit status 1."""
    from core.errors import TouchlineError

    try:
        yield
    except TouchlineError as error:
        raise click.ClickException(_sentence(error)) from error
    except (ConfigError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _sentence(error: Any) -> str:
    fields = [f"{one['pointer']}: {one['detail']}" for one in error.errors]
    return error.detail if error.detail in fields else "; ".join([error.detail, *fields])


def configure_logs(config: Config) -> None:
    from core.logs import configure

    configure(config.log_level, config.log_format)


def say(text: str) -> None:
    """Progress and remarks, for people: stderr."""
    click.echo(text, err=True)


def render(answer: Answer, as_json: bool) -> str:
    if as_json:
        return json.dumps(answer, ensure_ascii=False, default=str)
    rows = answer if isinstance(answer, list) else [answer]
    return "\n\n".join(_lines(row) for row in rows)


def _lines(row: dict[str, Any]) -> str:
    width = max(map(len, row), default=0)
    return "\n".join(f"{key:<{width}}  {_plain(value)}" for key, value in row.items())


def _plain(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return "".join(f"\n  {'  '.join(_plain(cell) for cell in row.values())}" for row in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def with_secret(config: Config) -> Config:
    """The settings with the secret key that this data directory has, made on first use."""
    from core.secret import ensure_secret

    return replace(config, secret_key=config.secret_key or ensure_secret(config.data_dir))


@contextmanager
def database(config: Config) -> Iterator["Database"]:
    """The migrated database, with the key by which tokens are stored.

    A SQLite file is made and brought up to date; any other database must be up to date already.
    """
    from core.auth.secrets import use_key
    from core.models import migrate
    from core.models.db import Database

    use_key(with_secret(config).secret_key)
    db = Database(config.database_url)
    try:
        if migrate.current(db.engine) != migrate.head():
            if not db.sqlite:
                raise click.ClickException("the database is not up to date: touchline db upgrade")
            migrate.upgrade(db.engine)
        yield db
    finally:
        db.close()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end what goes on, not the program: the summary follows. Gives a function
    that says whether one came.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_secret_line() -> str:
    """One line from stdin, without its end; raises a usage error when there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("no password on stdin")
    return line
