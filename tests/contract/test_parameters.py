"""Parameters of athletes over time: what is said, who may, and which frames are folded anew."""

from typing import Any

import pytest
from sqlalchemy import delete, select

from core.models import AthleteParameter, Event, Outbox
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, permit, pointers, problem

NOW_ON = ("2020-01-01T00:00:00.000Z", "2199-12-31T00:00:00.000Z")


def path(world: World, athlete: str = "noe") -> str:
    return f"/athletes/{world.ids[athlete]}/parameters/"


def say(world: World, name: str, value: Any, valid_from: str, user: str = "noe") -> Any:
    body = {"name": name, "value": value, "valid_from": valid_from}
    return world.post(path(world), user, json=body)


def said(world: World, name: str, value: Any, valid_from: str, user: str = "noe") -> int:
    answer = say(world, name, value, valid_from, user)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["id"]


def listed(world: World, query: str = "") -> list[tuple[str, float | None, str, str | None]]:
    rows = world.get(f"{path(world)}?{query}", "noe").get_json()["results"]
    return [
        (r["name"], r["value"], r["valid_from"][:10], (r["valid_until"] or "")[:10]) for r in rows
    ]


def test_each_value_holds_until_the_next(world: World) -> None:
    made = say(world, "max_hr", 192, "2020-01-01")
    assert made.status_code == 201
    body = made.get_json()
    assert body.pop("created")
    assert body == {
        "id": body["id"],
        "athlete": world.ids["noe"],
        "name": "max_hr",
        "value": 192.0,
        "valid_from": "2020-01-01T00:00:00.000Z",
        "valid_until": None,
    }
    said(world, "max_hr", None, "2022-01-01T00:00:00+01:00")
    said(world, "max_hr", 189.5, "2021-01-01")
    said(world, "weight", 71.5, "2021-06-01")
    assert listed(world, "name=max_hr&ordering=valid_from") == [
        ("max_hr", 192.0, "2020-01-01", "2021-01-01"),
        ("max_hr", 189.5, "2021-01-01", "2021-12-31"),
        ("max_hr", None, "2021-12-31", ""),
    ]
    assert listed(world, "at=2020-12-31T23:59:59.999Z") == [
        ("max_hr", 192.0, "2020-01-01", "2021-01-01")
    ]
    at = "at=2021-07-01T00:00:00Z&ordering=name"
    assert [row[:2] for row in listed(world, at)] == [("max_hr", 189.5), ("weight", 71.5)]
    assert listed(world, "limit=2&page=2&ordering=valid_from")[0][0] == "weight"
    problem(world.get(f"{path(world)}?page=9", "noe"), 404)


def test_change_and_delete(world: World) -> None:
    first, second = (said(world, "rest_hr", 50, f"20{year}-01-01") for year in (20, 21))
    one = f"{path(world)}{second}/"
    moved = world.put(one, "noe", json={"value": 47, "valid_from": "2019-01-01"})
    assert (moved.status_code, moved.get_json()["value"]) == (200, 47.0)
    assert moved.get_json()["valid_until"] == "2020-01-01T00:00:00.000Z"
    assert world.get(one, "noe").get_json() == moved.get_json()
    again = world.put(one, "noe", json=moved.get_json())  # as it was read
    assert again.get_json() == moved.get_json()
    taken = world.put(one, "noe", json={"value": 47, "valid_from": "2020-01-01"})
    assert pointers(taken) == ["/valid_from"]
    assert world.delete(f"{path(world)}{first}/", "noe").status_code == 204
    assert world.get(one, "noe").get_json()["valid_until"] is None
    problem(world.get(f"{path(world)}{first}/", "noe"), 404)
    problem(world.get(f"{path(world, 'lea')}{second}/", "lea"), 404)  # another's


REFUSED = (
    ({"value": 99}, "/value"),
    ({"value": 241}, "/value"),
    ({"value": "190"}, "/value"),
    ({"value": True}, "/value"),
    ({"name": "weight", "value": 201}, "/value"),
    ({"name": "weight", "value": 0}, "/value"),
    ({"name": "hr_zones", "value": 80}, "/name"),  # no property of a person
    ({"name": "shoe_size"}, "/name"),
    ({"name": ""}, "/name"),
    ({"valid_from": "2020-13-01"}, "/valid_from"),
    ({"valid_from": "2020-01-01T00:00:00"}, "/valid_from"),
    ({"valid_from": "yesterday"}, "/valid_from"),
    ({"valid_from": None}, "/valid_from"),
    ({"valid_until": "2021-01-01", "unit": "bpm"}, "/unit"),
)


def test_what_is_refused(world: World) -> None:
    for body, pointer in REFUSED:
        given = {"name": "max_hr", "value": 190, "valid_from": "2020-01-01", **body}
        assert pointers(world.post(path(world), "noe", json=given)) == [pointer], body
    assert listed(world) == []


def test_unset_is_a_value(world: World) -> None:
    """0 where the schema has it as unset, null everywhere."""
    said(world, "max_hr", 0, "2020-01-01")
    said(world, "weight", None, "2020-01-01")
    assert [row[1] for row in listed(world, "ordering=name")] == [0.0, None]
    assert pointers(say(world, "max_hr", 180, "2020-01-01")) == ["/valid_from"]


def test_a_manager_writes_the_past_that_they_may(world: World) -> None:
    permit(world, "ada", "WRITE", span=NOW_ON)
    problem(world.get(path(world), "ada"), 403)  # WRITE is not READ
    said(world, "max_hr", 190, "2020-01-01", "ada")
    problem(say(world, "max_hr", 190, "2019-12-31", "ada"), 403)
    early = said(world, "max_hr", 195, "2019-06-01")
    problem(world.delete(f"{path(world)}{early}/", "ada"), 403)
    problem(say(world, "max_hr", 190, "2020-06-01", "ben"), 403)
    problem(say(world, "max_hr", 190, "2020-06-01", "lea"), 403)
    problem(world.get(path(world, "ada"), "ada"), 404)  # no athlete
    # The future is known by who may write now.
    said(world, "max_hr", 188, "2300-01-01", "ada")


def owed(world: World) -> set[int]:
    """The frames whose fold is owed; then it is owed no more."""

    def take(session: Any) -> set[int]:
        keys = session.scalars(select(Outbox.key).where(Outbox.topic == "refold")).all()
        session.execute(delete(Outbox))
        return {int(key) for key in keys}

    return world.db.write(take)


@pytest.fixture
def season(world: World) -> dict[str, int]:
    """Noe's frames of 2020 by month, the one of July with a max_hr of its own; and one of Lea's."""
    ready: Match = match(world)
    permit(world, "ada", "WRITE", "lea")
    frames = {}
    for month, more in (
        ("03", {}),
        ("06", {}),
        ("07", {"params": {"max_hr": 200}}),
        ("09", {}),
        ("lea", {"athlete": world.ids["lea"]}),
    ):
        number = "06" if month == "lea" else month
        span = {
            "start_time": f"2020-{number}-10T10:00:00Z",
            "end_time": f"2020-{number}-10T11:00:00Z",
        }
        frames[month] = ready.frame(**span, **more)
    assert owed(world) == set(frames.values())
    return frames


def test_frames_whose_own_values_change_are_folded_anew(
    world: World, season: dict[str, int]
) -> None:
    """And no other: not those before it, of somebody else, with params of their own, or whose sport
    makes nothing of it."""
    first = said(world, "max_hr", 190, "2020-06-01")
    assert owed(world) == {season["06"], season["09"]}
    second = said(world, "max_hr", 188, "2020-08-01")
    assert owed(world) == {season["09"]}
    one = f"{path(world)}{second}/"
    world.put(one, "noe", json={"value": 190, "valid_from": "2020-08-01"})
    assert owed(world) == {season["09"]}
    world.put(one, "noe", json={"value": 190, "valid_from": "2020-02-01"})
    assert owed(world) == {season["03"]}  # the others have 190 as before
    said(world, "max_hr", 0, "2020-09-10T10:00:00Z")
    assert owed(world) == {season["09"]}  # from its very start
    said(world, "max_hr", 190, "2020-09-10T10:00:00.001Z")
    assert owed(world) == set()
    world.delete(f"{path(world)}{first}/", "noe")
    assert owed(world) == set()
    said(world, "athlete_max_speed", 8.5, "2020-01-01")
    assert owed(world) == {season[month] for month in ("03", "06", "07", "09")}
    said(world, "height", 1.8, "2020-01-01")
    assert owed(world) == set()
    refused = say(world, "max_hr", 20, "2020-01-01")
    assert refused.status_code == 400
    assert owed(world) == set()


def test_the_profile_holds_for_all_times(world: World, season: dict[str, int]) -> None:
    """What is in no params and no parameter is the profile's; a name is nothing to a fold."""

    def profile(**given: Any) -> None:
        body = {"username": "noe", "email": "noe@club.example", "athlete_profile": given}
        answer = world.put(f"/athletes/{world.ids['noe']}/", "noe", json=body)
        assert answer.status_code == 201, answer.text

    own = {season[month] for month in ("03", "06", "07", "09")}
    profile(first_name="Noé")
    assert owed(world) == set()
    profile(weight=71.5)
    assert owed(world) == set()  # tennis makes nothing of it
    profile(gender="F")
    assert owed(world) == own
    profile(gender="F")
    assert owed(world) == set()


PARAMS = (
    ({"max_hr": 99}, "/params/max_hr"),
    ({"weight": 201}, "/params/weight"),
    ({"hr_zones": [0, 85, 80]}, "/params/hr_zones/2"),
    ({"hr_zones": [0, 85, 85]}, "/params/hr_zones/2"),
    ({"hid_thresholds": [5, 4]}, "/params/hid_thresholds/1"),
    ({"speed_ranges": [0, 10, 5]}, "/params/speed_ranges/2"),
    ({"hr_zones": [0]}, "/params/hr_zones"),
    ({"max_gap": 0}, "/params/max_gap"),
    ({"shoe_size": 44}, "/params/shoe_size"),
)


def test_params_that_are_refused(world: World) -> None:
    """Outside their ranges, edges that do not ascend, names that no schema has."""
    ready = match(world)
    for params, pointer in PARAMS:
        answer = world.post("/timeframes/", "ada", json=ready.body(params=params))
        assert pointers(answer) == [pointer], params


def test_the_feed_tells_which_parameter(world: World) -> None:
    said(world, "max_hr", 190, "2020-06-01")
    told = world.db.read(
        lambda s: s.scalars(select(Event).where(Event.type == "athlete.updated")).all()
    )
    assert [event.data for event in told] == [{"changed": ["parameters.max_hr"]}]


def test_reading_is_logged(world: World) -> None:
    permit(world, "ada", "READ", span=NOW_ON)
    assert world.get(path(world), "ada").get_json()["count"] == 0
    log = world.get(f"/athletes/{world.ids['noe']}/access-log/", "noe").get_json()["results"]
    assert [(row["username"], row["kind"]) for row in log] == [("ada", "parameters")]


def test_they_go_with_the_athlete(world: World) -> None:
    said(world, "max_hr", 190, "2020-06-01")
    assert world.delete(f"/athletes/{world.ids['noe']}/", "noe").status_code == 204
    assert world.db.read(lambda s: s.scalars(select(AthleteParameter)).all()) == []
