"""The form of log lines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(level: str = "info", form: str = "json") -> tuple[io.StringIO, structlog.BoundLogger]:
    stream = io.StringIO()
    logs.configure(level, form, stream)
    return stream, structlog.get_logger("touchline.test")


def test_a_line_is_one_object_with_what_is_bound() -> None:
    stream, log = written()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.info("accepted", samples=10)
    line = json.loads(stream.getvalue())
    assert line["message"] == "accepted"
    assert line["samples"] == 10
    assert line["request_id"] == "r1"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_libraries_speak_in_the_same_form() -> None:
    stream, _ = written()
    logging.getLogger("some.library").warning("disk %d%% full", 93)
    assert json.loads(stream.getvalue())["message"] == "disk 93% full"


def test_less_severe_messages_are_dropped() -> None:
    stream, log = written("warning")
    log.info("not this")
    logging.getLogger("rq.anything").info("nor this")  # rq.worker's own level is set by its workers
    log.warning("this")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["this"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_without_local_variables(form: str) -> None:
    stream, log = written(form=form)
    password = "correct horse"
    try:
        int("x" + password[:0])
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert "ValueError" in text
    assert "correct horse" not in text.replace('password = "correct horse"', "")
    assert len(text.splitlines()) == 1 or form == "text"
