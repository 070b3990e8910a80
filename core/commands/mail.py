"""Messages that were kept because no SMTP server is configured."""

import time

import click

from core.config import Config

from .common import Answer, command, database, say

WAIT = 5.0  # seconds for a worker to write what is owed already


def register(cli: click.Group) -> None:
    @command(cli, "mail", "touchline mail --last")
    @click.option("--last", is_flag=True, help="The newest message only.")
    def mail(config: Config, last: bool) -> Answer:
        """Show the messages that were kept, the oldest first.

        They are kept, as files in the data directory of the worker that wrote them, where
        TOUCHLINE_SMTP_URL is not set. What is owed already is waited for, five seconds at most.
        """
        from core.mail import FOLDER, kept

        if config.smtp_url:
            say("Messages are sent by SMTP; only older ones are here.")
        elif not _all_written(config):
            say("Some messages are still owed: does a worker run?")
        messages = kept(config.data_dir / FOLDER)
        return [message._asdict() for message in (messages[-1:] if last else messages)]


def _all_written(config: Config) -> bool:
    from sqlalchemy import exists, select

    from core.models import Outbox
    from core.models.outbox import MAIL

    owed = select(exists().where(Outbox.topic == MAIL))
    deadline = time.monotonic() + WAIT
    with database(config) as db:
        while db.read(lambda session: session.scalar(owed)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
    return True
