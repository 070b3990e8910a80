"""The start page for everybody, and the page where a device is taken into use."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from core import clock
from core.models import Activity, ComputeState, Device, TimeFrame
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import Match, device, match, permit


def inside(world: World, username: str) -> FlaskClient:
    """A browser in which somebody is logged in."""
    client = world.client.application.test_client()
    assert send(client, "/login/", username=username, password=PASSWORD).status_code == 303
    return client


def send(client: FlaskClient, path: str, **form: str) -> Any:
    token = re.search(r'name="csrf" value="(\w+)"', client.get(path).text)
    assert token
    return client.post(path, data={**form, "csrf": token[1]})


def frames_at(world: World, shift: int, **state: Any) -> None:
    """Move every time frame to ``shift`` ms from now, an hour long, with this state."""

    def change(session: Any) -> None:
        for frame in session.query(TimeFrame):
            frame.start_time = clock.now() + shift
            frame.end_time = frame.start_time + 3_600_000
            if state:
                session.merge(ComputeState(timeframe_id=frame.id, arrival={}, **state))

    world.db.write(change)


def section(text: str, name: str) -> str:
    """What stands under a heading."""
    return re.split(r"<h2>", text.split(f"<h2>{name}</h2>")[1])[0]


def test_nobody_sees_what_this_is(world: World) -> None:
    page = world.client.get("/")
    assert page.status_code == 200
    for link in ("/login/", "/docs/", "/api/v1/openapi.json"):
        assert f'href="{link}"' in page.text
    assert "Log out" not in page.text


def test_a_manager_without_anything_is_told_what_goes_here(world: World) -> None:
    page = inside(world, "ben").get("/").text
    assert "Nothing is planned" in page
    assert "You own no device" in page


@pytest.mark.parametrize(
    ("shift", "state", "where", "says"),
    [
        (7_200_000, {}, "Next", "planned"),
        (-60_000, {}, "Now", "no samples yet"),
        (-60_000, {"computed_at": "now"}, "Now", "live"),
        (-90_000_000, {}, "Past", "computing"),
        (-90_000_000, {"closed": True}, "Past", "ready"),
        (-90_000_000, {"error": "no position", "failures": 3}, "Past", "failed"),
    ],
)
def test_each_state_has_its_word(
    world: World, shift: int, state: dict[str, Any], where: str, says: str
) -> None:
    played = match(world)
    played.frame()
    if "computed_at" in state:
        state = {"computed_at": clock.now()}
    frames_at(world, shift, **state)
    page = inside(world, "ada").get("/").text
    assert "Tennis match of 30 may" in section(page, where)
    assert says in section(page, where)
    assert page.count("Tennis match of 30 may") == 1
    assert "Tennis match of 30 may" not in inside(world, "ben").get("/").text


def many(world: World, played: Match, count: int) -> None:
    def add(session: Any) -> None:
        first = session.get_one(Activity, played.activity)
        frame = session.query(TimeFrame).first()
        for number in range(count):
            made = Activity(
                name=f"Training {number:03}", json={"sport": "tennis"}, created=clock.now(),
                json_schema_id=first.json_schema_id, owner_id=first.owner_id,
            )  # fmt: skip
            session.add(made)
            session.flush()
            columns = ("start_time", "end_time", "params", "device_id", "athlete_id")
            columns += ("owner_id", "json_schema_id")
            session.add(
                TimeFrame(activity_id=made.id, **{name: getattr(frame, name) for name in columns})
            )

    world.db.write(add)


def test_far_too_much_comes_in_pages_and_can_be_searched(world: World) -> None:
    played = match(world)
    played.frame()
    many(world, played, 60)
    client = inside(world, "ada")
    first = client.get("/").text
    assert first.count("<tr>") < 40
    assert 'href="/?page=2"' in first
    assert "Training 000" in client.get("/?page=3").text
    assert "Nothing is older" in client.get("/?page=9").text
    for odd in ("/?page=0", "/?page=x", "/?page=٣", "/?page=-1", "/?page=99999999999999999999"):
        assert client.get(odd).status_code == 200
    found = client.get("/?q=TRAINING 05").text
    assert found.count("Training 05") == 10
    assert "%" not in section(client.get("/?q=%25").text, "Past")


def test_the_start_page_asks_the_database_no_more_for_more_rows(world: World) -> None:
    played = match(world)
    played.frame()
    client = inside(world, "ada")
    said: list[str] = []

    def note(statement: str) -> None:
        if statement.startswith("SELECT"):  # not what is counted and flushed beside it
            said.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", lambda *a: note(a[2]))
    client.get("/")
    few = len(said)
    many(world, played, 20)
    said.clear()
    client.get("/")
    assert len(said) == few


def test_an_athlete_sees_own_activities_and_who_may_read(world: World) -> None:
    played = match(world)
    played.frame()
    permit(world, "ben", "READ", span=("2020-01-01T00:00:00.000Z", "2099-12-31T00:00:00.000Z"))
    page = inside(world, "noe").get("/").text
    assert "Tennis match of 30 may" in section(page, "Past")
    readers = section(page, "Who may read your data")
    assert ">ben<" in readers
    assert "2099-12-31" in readers
    assert ">ada<" not in readers  # her permission ended with 2020
    other = inside(world, "lea").get("/").text
    assert "Tennis match" not in other
    assert "Nobody but you" in other


def test_a_device_is_taken_into_use(world: World) -> None:
    tracker = device(world, "S9", "vest-9")
    client = inside(world, "ada")
    path = "/device-activation/"
    done = send(client, path, serial_number=" S9 ", device_name="vest-9")
    assert (done.status_code, done.location) == (303, f"{path}{tracker['id']}/")
    page = client.get(done.location).text
    assert "vest-9 is yours" in page
    assert "never" in page
    again = send(client, path, serial_number="S9", device_name="vest-9")
    assert again.location == done.location

    def hear(session: Any) -> None:
        heard = session.get_one(Device, tracker["id"])
        heard.last_contact, heard.battery = clock.now() - 125_000, 12

    world.db.write(hear)
    assert re.search(r'12 <span class="bad">low</span>', client.get("/").text)
    assert "2 min ago" in client.get(done.location).text
    assert "2 min ago" in client.get("/").text
    other = inside(world, "ben")
    assert other.get(done.location).status_code == 403
    taken = send(other, path, serial_number="S9", device_name="vest-9")
    assert taken.status_code == 400
    assert "belongs to another manager" in taken.text


@pytest.mark.parametrize("name", ["vest-8", "VEST-9", "", "x\x00", "é" * 300])
def test_what_is_no_device(world: World, name: str) -> None:
    device(world, "S9", "vest-9")
    client = inside(world, "ada")
    answer = send(client, "/device-activation/", serial_number="S9", device_name=name)
    assert answer.status_code == 404
    assert "No device has this serial number" in answer.text
    assert 'value="S9"' in answer.text  # nothing has to be typed twice


def test_only_managers_take_devices(world: World) -> None:
    first = world.client.get("/device-activation/")
    assert (first.status_code, first.location) == (303, "/login/?next=/device-activation/")
    for username in ("noe", "admin"):
        assert inside(world, username).get("/device-activation/").status_code == 403
    assert inside(world, "ada").get("/device-activation/999999/").status_code == 404
