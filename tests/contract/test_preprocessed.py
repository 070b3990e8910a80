"""Preprocessed data over HTTP: sent by the uplink, merged by the real job, read back as rows."""

import gc
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from core.clock import now, to_iso
from core.models import AccessEvent
from core.models.samples import SampleTail
from core.pipeline import merge
from core.simulate import LENGTH, corners
from tests.contract.conftest import World
from tests.contract.scenes import (
    START,
    STOP,
    T0,
    YEAR,
    Match,
    device,
    match,
    own,
    permit,
    pointers,
    problem,
    schema,
)

HOUR, DAY = 3_600_000, 86_400_000
SPAN = f"start={T0}&stop={T0 + 2 * HOUR}"
ALWAYS = {
    "gnss.timestamp",
    "gnss.latitude",
    "gnss.longitude",
    "gnss.altitude",
    "gnss.speed",
    "ecg.timestamp",
    "ecg.hr",
}


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


def send(scene: Match, name: str, t0: int, n: int, **more: list[Any]) -> None:
    """``n`` samples at 10 Hz, running north-east; heart rate once a second."""
    columns = {
        "gnss.timestamp": [t0 + 100 * i for i in range(n)],
        "gnss.latitude": [round(46.5 + i * 1e-6, 7) for i in range(n)],
        "gnss.longitude": [round(-6.6 + i * 1e-6, 7) for i in range(n)],
        "gnss.altitude": [372.25 - i % 100 for i in range(n)],
        "gnss.speed": [round(3 + i % 1000 / 1000, 3) for i in range(n)],
        "ecg.hr": [150 + i // 10 % 50 if i % 10 == 0 else None for i in range(n)],
        **more,
    }
    response = scene.world.post(
        f"/devices/{scene.device}/samples/",
        token=scene.token,
        json={"batch": name, "columns": columns},
    )
    assert response.status_code == 200, response.get_data(as_text=True)


def rows(scene: Match, query: str = SPAN, user: str = "ada") -> dict[str, Any]:
    response = scene.world.get(f"/devices/{scene.device}/preprocessed/?{query}", user)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "application/json"
    return response.get_json()


def test_rows_are_what_was_sent(scene: Match) -> None:
    power = [200.5] * 30
    send(scene, "a", T0, 30, **{"pwr.pwr_instantpower": power})
    send(scene, "b", T0 + 3000, 30)
    body = rows(scene)
    assert {k: v for k, v in body.items() if k != "results"} == {
        "count": 60,
        "page": 1,
        "next": None,
        "previous": None,
    }
    found = body["results"]
    assert all(row.keys() == ALWAYS | {"pwr.pwr_instantpower"} for row in found)
    assert found[7] == {
        "gnss.timestamp": T0 + 700,
        "gnss.latitude": 46.500007,
        "gnss.longitude": -6.599993,
        "gnss.altitude": 365.25,
        "gnss.speed": 3.007,
        "ecg.timestamp": None,
        "ecg.hr": None,
        "pwr.pwr_instantpower": 200.5,
    }
    assert found[40]["ecg.hr"] == 151
    assert type(found[40]["ecg.hr"]) is int
    assert found[40]["pwr.pwr_instantpower"] is None
    assert next(iter(found[0])) == "gnss.timestamp"
    nothing = rows(scene, f"start={T0 + HOUR}&stop={T0 + HOUR + 1}")
    assert nothing == {"count": 0, "page": 1, "next": None, "previous": None, "results": []}


def test_intervals_are_half_open_and_come_in_every_form(scene: Match) -> None:
    send(scene, "a", T0, 50)
    for query in (
        f"start={T0 + 1000}&stop={T0 + 2000}",
        f"start={to_iso(T0 + 1000)}&stop={T0 + 2000}",
        f"start_iso={to_iso(T0 + 1000)}&stop_iso={to_iso(T0 + 2000)}",
        "start_iso=2020-05-30T22:00:01%2B0200&stop=2020-05-30T20:00:02%2B00:00",
        # The deprecated names count only where the others are absent.
        f"start={T0 + 1000}&stop={T0 + 2000}&start_iso={YEAR[0]}&stop_iso={YEAR[1]}",
    ):
        times = [row["gnss.timestamp"] for row in rows(scene, query)["results"]]
        assert times == [T0 + 1000 + 100 * i for i in range(10)], query


@pytest.mark.parametrize("merged", [False, True])
def test_pages_hold_every_sample_once(scene: Match, merged: bool) -> None:
    for number in range(9):
        send(scene, f"b{number}", T0 + 10_000 * number, 100)
    send(scene, "late", T0 + 15_050, 20)  # between and over what is there
    if merged:
        merge.merge_device(scene.world.db, scene.device, "samples", now() + HOUR)
        left = scene.world.db.read(lambda s: s.scalar(select(func.count()).select_from(SampleTail)))
        assert left == 0
    times: list[int] = []
    page: int | None = 1
    while page:
        body = rows(scene, f"{SPAN}&page={page}&limit=123")
        assert (body["page"], body["count"]) == (page, 920)
        assert body["previous"] == (page - 1 or None)
        assert len(body["results"]) <= 123
        times += [row["gnss.timestamp"] for row in body["results"]]
        page = body["next"]
    expected = {T0 + 100 * i for i in range(900)} | {T0 + 15_050 + 100 * i for i in range(20)}
    assert times == sorted(expected)
    assert len(rows(scene, f"{SPAN}&limit=99999999")["results"]) == 920
    past = f"/devices/{scene.device}/preprocessed/?{SPAN}&page=9&limit=123"
    problem(scene.world.get(past, "ada"), 404)


def test_a_page_is_at_most_25000_rows_and_10000_unless_asked(scene: Match) -> None:
    for number in range(2):
        send(scene, f"b{number}", T0 + 1_300_000 * number, 13_000)
    assert len(rows(scene)["results"]) == 10_000
    body = rows(scene, f"{SPAN}&limit=26000")
    assert (body["count"], body["next"], len(body["results"])) == (26_000, 2, 25_000)
    assert len(rows(scene, f"{SPAN}&limit=26000&page=2")["results"]) == 1_000


def test_ranges(scene: Match) -> None:
    send(scene, "a", T0, 100)
    send(scene, "b", T0 + 9_900 + 300_000, 100)  # five minutes later: the same range
    send(scene, "c", T0 + HOUR, 100)
    path = f"/devices/{scene.device}/preprocessed-ranges/?"
    body = scene.world.get(f"{path}start={T0 + 50}&stop={T0 + 14 * DAY}", "ada").get_json()
    expected = [
        {"start": to_iso(T0 + 100), "stop": to_iso(T0 + 319_800), "size": 199},
        {"start": to_iso(T0 + HOUR), "stop": to_iso(T0 + HOUR + 9_900), "size": 100},
    ]
    assert body == {"count": 2, "page": 1, "next": None, "previous": None, "results": expected}
    second = scene.world.get(f"{path}{SPAN}&limit=1&page=2", "ada").get_json()
    assert (second["results"], second["previous"], second["next"]) == (expected[1:], 1, None)
    problem(scene.world.get(f"{path}{SPAN}&limit=1&page=3", "ada"), 404)


@pytest.mark.parametrize("path", ["preprocessed/", "preprocessed-ranges/"])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["/start"]),
        (f"start={T0}", ["/stop"]),
        (f"stop_iso={STOP}", ["/start"]),
        (f"start={T0}&stop={T0}", ["/start"]),
        (f"start={T0 + 1}&stop={T0}", ["/start"]),
        (f"start={T0}&stop={T0 + 14 * DAY + 1}", ["/stop"]),
        (f"start=yesterday&stop={T0}", ["/start"]),
        ("start=2020-05-30T20:00:00&stop_iso=2020-05-30", ["/start", "/stop_iso"]),
        (f"start=1e12&stop={T0}", ["/start"]),
        (f"start=-1&stop={T0}", ["/start"]),
        (f"start={T0}&stop={10**18}", ["/stop"]),
        (f"start={T0}&start={T0}&stop={T0 + 1}", ["/start"]),
        (f"{SPAN}&page=0&limit=-1", ["/page", "/limit"]),
    ],
)
def test_bad_queries_name_the_parameter(
    scene: Match, path: str, query: str, names: list[str]
) -> None:
    answer = scene.world.get(f"/devices/{scene.device}/{path}?{query}", "ada")
    assert sorted(pointers(answer)) == sorted(names)


def test_rows_are_limited_to_two_days(scene: Match) -> None:
    path = f"/devices/{scene.device}/preprocessed/?start={T0}&stop="
    assert scene.world.get(f"{path}{T0 + 2 * DAY}", "ada").status_code == 200
    assert pointers(scene.world.get(f"{path}{T0 + 2 * DAY + 1}", "ada")) == ["/stop"]


def test_latest(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/preprocessed/latest"
    own(world, scene.device, "ada", YEAR[1], "2999-12-31T23:59:59Z")
    problem(world.get(f"{path}-timestamp/", "ada"), 404)
    assert world.get(f"{path}/", "ada").get_json() == []
    for number in range(5):
        send(scene, f"b{number}", T0 + 10_000 * number, 100)
    newest = T0 + 49_900
    expected = {"timestamp": newest, "datetime": to_iso(newest)}
    assert world.get(f"{path}-timestamp/", "ada").get_json() == expected
    for size, n in (("", 300), ("?size=7", 7), ("?size=9999", 300), ("?size=1", 1)):
        body = world.get(f"{path}/{size}", "ada").get_json()
        assert [row["gnss.timestamp"] for row in body] == [newest - 100 * i for i in range(n)]
        assert all(row.keys() == ALWAYS for row in body)
    assert body[0]["gnss.speed"] == 3.099
    for size in ("0", "-1", "many", "1.5"):
        assert pointers(world.get(f"{path}/?size={size}", "ada")) == ["/size"]


def test_who_takes_over_a_device_sees_nothing_from_before(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/preprocessed/latest"
    send(scene, "before", T0, 100)
    moment = now()
    own(world, scene.device, "ben", to_iso(moment - 10_000), "2999-12-31T23:59:59Z")
    problem(world.get(f"{path}-timestamp/", "ben"), 404)
    assert world.get(f"{path}/", "ben").get_json() == []
    problem(world.get(f"{path}/", "ada"), 403)  # owned it; does not now
    send(scene, "after", moment - 10_200, 10)
    assert world.get(f"{path}-timestamp/", "ben").get_json()["timestamp"] == moment - 9_300
    assert len(world.get(f"{path}/", "ben").get_json()) == 8


def test_who_reads(scene: Match) -> None:
    world = scene.world
    scene.frame()
    permit(world, "ben", "READ")  # on the athlete: opens no device
    send(scene, "a", T0, 10)
    one = f"/devices/{scene.device}/"
    inside, beyond = SPAN, f"start={T0}&stop={T0 + 2 * HOUR + 1}"
    before = f"start={T0 - 200 * DAY}&stop={T0 - 199 * DAY}"  # nobody owned it
    for path in ("preprocessed/", "preprocessed-ranges/"):
        for user in ("ada", "noe", "admin"):
            assert world.get(f"{one}{path}?{inside}", user).status_code == 200
        assert (
            "a time frame of yours"
            in problem(world.get(f"{one}{path}?{beyond}", "noe"), 403)["detail"]
        )
        assert "ownership" in problem(world.get(f"{one}{path}?{before}", "ada"), 403)["detail"]
        for user in ("ben", "lea"):
            problem(world.get(f"{one}{path}?{inside}", user), 403)
        problem(world.get(f"{one}{path}?{inside}", token=scene.token), 403)
        problem(world.get(f"/devices/999/{path}?{inside}", "ada"), 404)
    for path in ("preprocessed/latest/", "preprocessed/latest-timestamp/"):
        for user in ("noe", "ben", "ada"):
            problem(world.get(f"{one}{path}", user), 403)
        assert world.get(f"{one}{path}", "admin").status_code == 200
        problem(world.get(f"/devices/999/{path}", "ada"), 404)


def test_reads_are_in_the_athletes_access_log(scene: Match) -> None:
    world = scene.world
    scene.frame()
    send(scene, "a", T0, 10)

    def readers() -> set[tuple[str, str]]:
        events = world.db.read(lambda s: s.execute(select(AccessEvent.reader, AccessEvent.kind)))
        return {(reader, kind) for reader, kind in events}

    rows(scene, user="noe")
    rows(scene, f"start={T0 + DAY}&stop={T0 + DAY + HOUR}")  # nobody wore it
    assert readers() == set()
    rows(scene)
    assert readers() == {("ada", "samples")}
    world.get(f"/devices/{scene.device}/preprocessed/latest/", "admin")
    assert readers() == {("ada", "samples"), ("admin", "samples")}


def soccer(scene: Match, json: dict[str, Any]) -> Any:
    body = {
        "name": "cup",
        "json": {"sport": "soccer", **json},
        "json_schema": schema(scene.world, "activity_soccer"),
        "owner": scene.world.ids["ada"],
    }
    return scene.world.post("/activities/", "ada", json=body)


def test_positions_on_the_field(scene: Match) -> None:
    activity = soccer(scene, {"field_corners": corners()}).get_json()["id"]
    frame = {
        "activity": activity,
        "json_schema": schema(scene.world, "timeframe_soccer"),
        "start_time": to_iso(T0 + 1000),
        "end_time": to_iso(T0 + 2000),
    }
    scene.frame(**frame)
    first, second = corners()[:2]
    middle = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    lat, lon = zip(*[first, second, middle] * 10, strict=True)
    send(scene, "a", T0, 30, **{"gnss.latitude": lat, "gnss.longitude": lon})
    found = rows(scene)["results"]
    assert all(row.keys() == ALWAYS | {"field.x", "field.y"} for row in found)
    there = [i for i, row in enumerate(found) if row["field.x"] is not None]
    assert there == list(range(10, 20))
    for i in there:
        along = (0, LENGTH, LENGTH / 2)[i % 3]
        assert found[i]["field.x"] == pytest.approx(along, abs=0.5)
        assert found[i]["field.y"] == pytest.approx(0, abs=0.1)
    own(scene.world, scene.device, "ada", YEAR[1], "2999-12-31T23:59:59Z")
    newest = scene.world.get(f"/devices/{scene.device}/preprocessed/latest/", "ada").get_json()
    assert newest == found[::-1]
    # Not the owner of the frame; and where no sample is inside a frame nobody asks for the field.
    assert all(row.keys() == ALWAYS for row in rows(scene, user="admin")["results"])
    outside = f"start={T0 + 2000}&stop={T0 + 3000}"
    assert all(row.keys() == ALWAYS for row in rows(scene, outside)["results"])


@pytest.mark.parametrize("name", ["field_corners", "court_corners"])
def test_corners_that_are_no_rectangle_are_refused(scene: Match, name: str) -> None:
    first, second, third, fourth = corners()
    crossed = [first, third, second, fourth]
    body = {
        "name": "x",
        "json": {"sport": "tennis", name: crossed},
        "json_schema": schema(scene.world, "activity_tennis"),
        "owner": scene.world.ids["ada"],
    }
    if name == "field_corners":
        answer = soccer(scene, {name: crossed})
    else:
        answer = scene.world.post("/activities/", "ada", json=body)
    assert pointers(answer) == [f"/json/{name}"]
    assert "in order" in answer.get_json()["detail"]
    path = f"/activities/{scene.activity}/"
    skewed = [first, second, third, [fourth[0] + 0.001, fourth[1]]]
    body["json"] = {"sport": "tennis", "court_corners": skewed}
    assert pointers(scene.world.put(path, "ada", json=body)) == ["/json/court_corners"]
    body["json"] = {"sport": "tennis", "court_corners": [first, second, third, fourth]}
    assert scene.world.put(path, "ada", json=body).status_code == 200


def test_no_object_is_made_per_sample(scene: Match) -> None:
    for number in range(3):
        send(scene, f"b{number}", T0 + 800_000 * number, 8_000)
    response = scene.world.get(f"/devices/{scene.device}/preprocessed/?{SPAN}&limit=25000", "ada")
    made = -len(gc.get_objects())
    pieces = list(response.response)
    made += len(gc.get_objects())
    assert len(json.loads(b"".join(pieces))["results"]) == 24_000
    assert made < 100
    assert len(pieces) > 5


def test_every_spelling(scene: Match) -> None:
    send(scene, "a", T0, 10)
    whole = rows(scene)
    for path in (f"//v1/devices/{scene.device}/preprocessed/?{SPAN}",):
        assert scene.world.get(path, "ada").get_json() == whole
    short = scene.world.get(f"/devices/{scene.device}/preprocessed?{SPAN}", "ada")
    assert short.get_json() == whole
    spare = device(scene.world, "S2", "dev-2")["id"]
    own(scene.world, spare, "ada")
    empty = f"/devices/{spare}/preprocessed-ranges/?start_iso={START}&stop_iso={STOP}"
    assert scene.world.get(empty, "ada").get_json()["results"] == []
