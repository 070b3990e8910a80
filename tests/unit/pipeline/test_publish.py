"""Live messages: whole, then what changed; a reader that merges keys has the document."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import redis

from core.channels import LIVE_ACTIVITY, Live
from core.models import Outbox, TimeFrame
from core.models.db import Database
from core.pipeline import compute, folding, publish
from core.pipeline.publish import Message, Publisher, Told, message
from core.pipeline.writer import Writer
from core.services import computed
from core.sport.registry import registry
from tests.redis_server import redis_server

from . import world
from .world import T0, Clock

WHOLE = publish.WHOLE_EVERY


def effort(start: int, *, running: bool = False) -> dict[str, Any]:
    return {"start_time": start} | ({"open": True} if running else {})


def efforts(*values: dict[str, Any]) -> dict[str, Any]:
    return {"threshold_1": {"threshold": 7.0, "values": list(values)}}


def test_the_first_is_whole_without_series_and_later_ones_say_what_changed() -> None:
    told = Told.nothing(0)
    first = {"total_distance": 1.0, "parameters": {}, "hr_plot": [[0, 60.0]]}
    assert message(told, first, 0, whole=True) == {"total_distance": 1.0, "parameters": {}}
    assert message(told, {**first, "total_distance": 2.0}, 1000, whole=False) == {
        "total_distance": 2.0
    }
    assert message(told, {**first, "total_distance": 2.0}, WHOLE, whole=True) == {
        **first,
        "total_distance": 2.0,
    }


def test_series_are_told_at_most_every_ten_seconds() -> None:
    told = Told.nothing(0)
    having = [
        at
        for at in range(0, 40_000, 1000)
        if "hr_plot" in message(told, {"hr_plot": [at], "n": at}, at, whole=at % 3000 == 0)
    ]
    assert having == [12_000, 24_000, 36_000]


def test_laps_are_told_when_one_closes() -> None:
    told = Told.nothing(0)
    first, second = {"start_time": 1, "distance": 1000}, {"start_time": 2, "distance": 1000}
    under_way = [{**first, "distance": metres, "open": True} for metres in (3, 6)]
    assert message(told, {"laps": under_way[:1]}, 0, whole=True)
    assert message(told, {"laps": under_way[1:]}, 1000, whole=False) == {}
    both = {"laps": [first, {**second, "distance": 2, "open": True}]}
    assert message(told, both, 2000, whole=False) == both
    assert message(told, {"laps": [first, second]}, 3000, whole=False) == {"laps": [first, second]}


def test_an_event_list_is_told_when_an_effort_closes() -> None:
    told = Told.nothing(0)
    running, closed = efforts(effort(1, running=True)), efforts(effort(1))
    assert "sprint" in message(told, {"sprint": efforts()}, 0, whole=True)
    assert "sprint" not in message(told, {"sprint": running}, 1000, whole=False)
    assert message(told, {"sprint": closed}, 2000, whole=False) == {"sprint": closed}
    again = efforts(effort(1), effort(2, running=True))
    assert "sprint" not in message(told, {"sprint": again}, 3000, whole=False)


def test_a_key_that_went_is_told_as_null() -> None:
    told = Told.nothing(0)
    message(told, {"error": "x", "n": 1}, 0, whole=True)
    assert message(told, {"n": 1}, 1000, whole=False) == {"error": None}


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_a_reader_who_skips_messages_has_every_value(every: int) -> None:
    """Of what changes by value; event lists are merged by the hub, and come with the next whole."""
    told, has = Told.nothing(0), {}
    for second in range(60):
        document = {"n": second, "top": second // 9, "flag": second % 13 == 5, "kept": "x"}
        sent = message(told, document, second * 1000, whole=second % 10 == 0)
        if second % every == 0:
            has |= sent
            assert has == document


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with redis_server() as url:
        yield redis.Redis.from_url(url)


def test_messages_reach_the_channel_of_the_activity(client: redis.Redis) -> None:
    listening = client.pubsub(ignore_subscribe_messages=True)
    listening.subscribe(LIVE_ACTIVITY + "7")
    listening.get_message(timeout=5)
    assert Publisher(client).send([Message(7, 3, 12, {"n": 1}), Message(8, 4, 1, {})])
    heard = listening.get_message(timeout=5)
    assert heard is not None
    assert Live.unpack(heard["data"]) == Live(3, 12, b'{"n":1}')
    assert listening.get_message(timeout=0.1) is None


def test_a_redis_that_is_away_is_no_failure(tmp_path) -> None:
    away = redis.Redis.from_url(f"unix://{tmp_path / 'none.sock'}")
    assert not Publisher(away).send([Message(1, 1, 1, {})])


# With the computation


class Reader:
    """Merges the messages of frame 1; ``works`` is whether Redis took them."""

    def __init__(self) -> None:
        self.has: dict[str, Any] = {}
        self.seqs: list[int] = []
        self.last: dict[str, Any] = {}
        self.works = True

    def __call__(self, messages: Any) -> bool:
        told = [one for one in messages if one.frame == 1]  # the rest is of the activity
        for one in told if self.works else []:
            self.last = orjson.loads(orjson.dumps(one.data))
            self.has |= self.last
            self.seqs.append(one.revision)
        return self.works


def shown(db: Database) -> dict[str, Any]:
    """What REST shows of frame 1."""
    return db.read(lambda s: computed._documents(s, registry(), [s.get_one(TimeFrame, 1)]))[1]


def told(document: dict[str, Any]) -> dict[str, Any]:
    """Without what a reader is told later: series, and efforts that are running."""
    return {
        key: value
        for key, value in document.items()
        if key not in publish.SERIES and publish.closed(value) is None
    }


def test_stream_and_rest_agree_at_every_revision(db: Database, clock: Clock) -> None:
    world.fill(db, stop=T0 + 60_000)
    writer, reader, hot = Writer(db), Reader(), {}
    clock.at = T0
    compute.refold(db, registry(), 1, send=reader)
    for second in range(30):
        clock.at = T0 + 1000 * (second + 1)
        writer.submit(1, world.batch(f"{second}", world.run(), second * 10, second * 10 + 10), T0)
        if second in (20, 21):
            continue  # the worker is busy
        reader.works = second != 17  # a message is lost: the next one is whole
        assert compute.tick(db, registry(), 1, hot=hot, send=reader) == 1
        if reader.works:
            assert told(reader.has) == told(shown(db))
            assert reader.seqs[-1] == world.state(db).revision
        if second == 18:
            assert "parameters" in reader.last
    writer.close()
    assert reader.seqs == sorted(set(reader.seqs))
    last = reader.has["digest"]
    clock.at = T0 + 60_000 + compute.GRACE + folding.QUIET
    assert compute.close(db, registry(), 1, send=reader)
    assert world.state(db).closed
    # Nothing came late: the last live digest is the final one's.
    assert shown(db)["digest"] == reader.has["digest"] == last
    assert told(reader.has) == told(shown(db))


def test_late_samples_are_said_and_refolded(db: Database, clock: Clock) -> None:
    world.fill(db)
    writer, reader, hot = Writer(db), Reader(), {}
    whole = world.run()
    for low, high in ((0, 100), (200, 300), (100, 200)):
        clock.at += 1000
        writer.submit(1, world.batch(f"{low}", whole, low, high), T0)
        compute.tick(db, registry(), 1, hot=hot, send=reader)
    arrival = reader.has["quality"]["arrival"]
    assert (arrival["late"], arrival["dirty"]) == (100, True)
    clock.at += folding.REFOLD_EVERY
    compute.tick(db, registry(), 1, hot=hot, send=reader)
    writer.close()
    arrival = reader.has["quality"]["arrival"]
    assert (arrival["dirty"], arrival["refolded"]) == (False, clock.at)
    assert reader.has["input"]["samples"] == 300


def test_a_frame_is_computed_at_most_every_nine_tenths_of_a_second(
    db: Database, clock: Clock
) -> None:
    world.fill(db)
    writer = Writer(db)
    writer.submit(1, world.batch("0", world.run(), 0, 100), T0)
    assert compute.tick(db, registry(), 1) == 1
    writer.submit(1, world.batch("1", world.run(), 100, 110), T0)
    clock.at += folding.MESSAGE_EVERY - 1
    assert compute.tick(db, registry(), 1) == 0
    due = db.read(lambda s: s.query(Outbox).filter_by(topic="tick").one().due)
    assert due <= clock.at + 1
    clock.at += 1
    assert compute.tick(db, registry(), 1) == 1
    writer.close()


def test_a_frame_without_samples_is_closed_and_opens_with_the_first(
    db: Database, clock: Clock
) -> None:
    world.fill(db, stop=T0 + 60_000)
    compute.refold(db, registry(), 1)
    clock.at += compute.GRACE + folding.QUIET
    assert compute.close(db, registry(), 1)
    assert world.state(db).closed
    assert world.editions(db) == []
    writer = Writer(db)
    for low in (0, 300):
        clock.at += 1000
        writer.submit(1, world.batch(f"{low}", world.run(), low, low + 300), T0)
        assert compute.tick(db, registry(), 1) == 1
    writer.close()
    assert not world.state(db).closed
    assert len(world.editions(db)) == 1
    clock.at += folding.QUIET
    assert compute.close(db, registry(), 1)
    assert world.state(db).closed
