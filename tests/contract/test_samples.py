"""The uplink over HTTP."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.models import UplinkBatch
from tests.contract.conftest import World
from tests.contract.scenes import T0, device, problem
from tests.unit.pipeline.arrow_batches import as_arrow

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"


def batch(**changes: Any) -> dict[str, Any]:
    columns = {"gnss.timestamp": [T0, T0 + 100], "gnss.speed": [3.0, None], "ecg.hr": [120, 121]}
    return {"batch": "b-1", "sent": T0 + 1000, "columns": columns, **changes}


@pytest.fixture
def tracker(world: World) -> dict[str, Any]:
    return device(world)


def send(world: World, tracker: dict[str, Any], body: Any, **kw: Any) -> Any:
    kw.setdefault("token", tracker["uplink_token"])
    return world.post(f"/devices/{tracker['id']}/samples/", json=body, **kw)


def stored(world: World) -> int:
    return world.db.read(lambda s: s.scalar(select(func.count(UplinkBatch.id))))


def test_a_batch_and_the_same_again(world: World, tracker: dict[str, Any]) -> None:
    first = send(world, tracker, batch())
    assert first.status_code == 200
    answer = first.get_json()
    assert answer.keys() == {"batch", "accepted", "duplicate", "offset_ms"}
    assert (answer["batch"], answer["accepted"], answer["duplicate"]) == ("b-1", 2, False)
    assert answer["offset_ms"] < 0
    assert send(world, tracker, batch()).get_json() == {**answer, "duplicate": True}
    other = batch(columns={"gnss.timestamp": [T0]})
    problem(send(world, tracker, other), 409)
    assert stored(world) == 1


def test_the_owner_now_sends_for_the_device(world: World, tracker: dict[str, Any]) -> None:
    world.post(f"/devices/{tracker['id']}/take-ownership/", "ada")
    assert send(world, tracker, batch(), token=world.login("ada")).status_code == 200
    for user in ("ben", "noe", "admin"):
        problem(send(world, tracker, batch(), token=world.login(user)), 403)


def test_a_token_serves_its_own_device_and_path_only(world: World, tracker: dict[str, Any]) -> None:
    other = device(world, "S2", "dev-2")
    problem(send(world, other, batch(), token=tracker["uplink_token"]), 403)
    token = tracker["uplink_token"]
    for method, path in (
        ("GET", f"/devices/{tracker['id']}/"),
        ("GET", "/devices/"),
        ("GET", "/account/"),
        ("POST", "/timeframes/"),
        ("POST", f"/devices/{tracker['id']}/files/"),
    ):
        problem(world.call(method, path, token=token), 403)
    problem(send(world, tracker, batch(), token="unheard-of"), 401)
    problem(send(world, {**tracker, "id": 999}, batch()), 404)
    problem(world.post(f"/devices/{tracker['id']}/samples/", json=batch()), 401)
    assert stored(world) == 0


@pytest.mark.parametrize(
    ("columns", "pointer"),
    [
        ({"gnss.timestamp": [T0, T0]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": [T0], "gnss.speed": [151]}, "/columns/gnss.speed/0"),
        ({"gnss.timestamp": [T0], "gnss.latitude": [-91]}, "/columns/gnss.latitude/0"),
        ({"gnss.timestamp": [T0], "gnss.speed": [1, 2]}, "/columns/gnss.speed/1"),
        ({"gnss.timestamp": [1]}, "/columns/gnss.timestamp/0"),
        ({"gnss.timestamp": [T0], "colour": [1]}, "/columns/colour"),
    ],
)
def test_refusals_name_column_and_index(
    world: World, tracker: dict[str, Any], columns: dict[str, Any], pointer: str
) -> None:
    response = send(world, tracker, batch(columns=columns))
    body = problem(response, 400)
    assert body["errors"][0]["pointer"] == pointer
    assert stored(world) == 0


def test_a_batch_as_arrow_is_the_same_batch(world: World, tracker: dict[str, Any]) -> None:
    path, token = f"/devices/{tracker['id']}/samples/", tracker["uplink_token"]

    def send_arrow(body: dict[str, Any]) -> Any:
        return world.post(path, token=token, data=as_arrow(body), content_type=ARROW)

    first = send_arrow(batch())
    assert first.status_code == 200
    answer = first.get_json()
    assert (answer["batch"], answer["accepted"], answer["duplicate"]) == ("b-1", 2, False)
    assert answer["offset_ms"] < 0
    for again in (send(world, tracker, batch()), send_arrow(batch())):
        assert again.get_json() == {**answer, "duplicate": True}
    problem(send_arrow(batch(columns={"gnss.timestamp": [T0]})), 409)
    wrong = batch(columns={"gnss.timestamp": [T0, T0 + 1], "gnss.speed": [3.0, 151.0]})
    assert problem(send_arrow(wrong), 400)["errors"][0]["pointer"] == "/columns/gnss.speed/1"
    assert stored(world) == 1


def test_bodies_that_are_no_batch(world: World, tracker: dict[str, Any]) -> None:
    path, token = f"/devices/{tracker['id']}/samples/", tracker["uplink_token"]
    for kind in ("text/plain", "application/vnd.apache.arrow.file", None):
        problem(world.post(path, token=token, data=b"{}", content_type=kind), 415)
    for body in (b"", b"{", b"[]", b'{"batch": "\xff"}', b'{"columns": NaN}'):
        for kind in (JSON, ARROW):
            problem(world.post(path, token=token, data=body, content_type=kind), 400)
    large = b'{"batch": "' + b"x" * (8 * 2**20) + b'"}'
    for kind in (JSON, ARROW):
        problem(world.post(path, token=token, data=large, content_type=kind), 413)
    rows = {"gnss.timestamp": list(range(T0, T0 + 36_001))}
    problem(send(world, tracker, batch(columns=rows)), 413)
    assert stored(world) == 0
