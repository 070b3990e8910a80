"""``Idempotency-Key`` on POST."""

import threading
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.api import idempotency
from core.models import Activity, Device, KeptAnswer, User
from core.services import activities
from tests.contract.conftest import World
from tests.contract.scenes import device, pointers, problem, schema

REPLAYED = "Idempotency-Replayed"


def body(world: World, name: str = "match") -> dict[str, Any]:
    return {
        "name": name,
        "json": {"sport": "tennis", "type": "match"},
        "json_schema": schema(world, "activity_tennis"),
        "owner": world.ids["ada"],
    }


def post(world: World, key: str, user: str = "ada", path: str = "/activities/", **kw: Any) -> Any:
    if "json" not in kw:
        kw["json"] = body(world)
    return world.post(path, user, headers={"Idempotency-Key": key}, **kw)


def count(world: World, model: Any = Activity) -> int:
    return world.db.read(lambda s: s.scalar(select(func.count()).select_from(model))) or 0


def test_the_same_request_again_gets_the_first_answer(world: World) -> None:
    first, again = post(world, "k1"), post(world, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_data() == again.get_data()
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert count(world) == 1
    assert post(world, "k2").status_code == 201
    assert count(world) == 2


def test_another_body_is_422(world: World) -> None:
    assert post(world, "k1").status_code == 201
    problem(post(world, "k1", json=body(world, "other")), 422)
    assert count(world) == 1


def test_keys_are_the_callers_own_and_of_one_path(world: World) -> None:
    assert post(world, "k1").status_code == 201
    mine = {**body(world), "owner": world.ids["ben"]}
    assert post(world, "k1", "ben", json=mine).status_code == 201
    registration = {"username": "eva", "email": "eva@club.example"}
    assert post(world, "k1", path="/managers/", json=registration).status_code == 201
    again = post(world, "k1", path="/managers/", json=registration)
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    elsewhere = post(
        world, "k1", None, "/managers/", json=registration,
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )  # fmt: skip
    assert pointers(elsewhere) == ["/username"]


def test_a_refusal_is_not_kept(world: World) -> None:
    wrong = {**body(world), "json": {}}
    problem(post(world, "k1", json=wrong), 400)
    assert post(world, "k1").status_code == 201
    problem(post(world, "k2", None), 401)
    assert count(world, KeptAnswer) == 1


def test_one_in_flight_is_409(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, leave = threading.Event(), threading.Event()
    real = activities.create
    wanted = body(world)
    world.get("/account/", "ada")

    def slow(session: Any, *args: Any, **kw: Any) -> Any:
        inside.set()
        assert leave.wait(20)
        return real(session, *args, **kw)

    if world.db.sqlite:
        pytest.skip("one SQLite writer at a time: the second would wait for the first's commit")
    monkeypatch.setattr(activities, "create", slow)
    answers: list[Any] = []
    other = threading.Thread(target=lambda: answers.append(post(world, "k1", json=wanted)))
    other.start()
    try:
        assert inside.wait(20)
        problem(post(world, "k1", json=wanted), 409)
    finally:
        leave.set()
        other.join()
    assert answers[0].status_code == 201
    assert post(world, "k1", json=wanted).headers[REPLAYED] == "true"


def test_a_claim_of_a_dead_process_lapses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise SystemExit

    wanted = body(world)
    with monkeypatch.context() as patched:
        patched.setattr(activities, "create", dies)
        with pytest.raises(SystemExit):
            post(world, "k1", json=wanted)
    problem(post(world, "k1", json=wanted), 409)
    later = idempotency.now() + idempotency.LEASE_MS + 1
    monkeypatch.setattr(idempotency, "now", lambda: later)
    assert post(world, "k1", json=wanted).status_code == 201
    assert count(world) == 1


def test_the_answer_is_in_the_commit_of_the_effect(world: World) -> None:
    def dies(_: Any) -> None:
        raise SystemExit

    # The process dies after the commit and before the answer leaves.
    wanted = body(world)
    hooks = world.client.application.after_request_funcs[None]
    at = hooks.index(idempotency._end)
    hooks[at] = dies
    with pytest.raises(SystemExit):
        post(world, "k1", json=wanted)
    hooks[at] = idempotency._end
    assert count(world) == 1
    again = post(world, "k1", json=wanted)
    assert again.headers[REPLAYED] == "true"
    made = world.get(f"/activities/{again.get_json()['id']}/", "ada")
    assert made.get_json() == again.get_json()
    assert count(world) == 1


def test_who_lost_the_claim_has_no_effect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = activities.create

    def overtaken(session: Any, *args: Any, **kw: Any) -> Any:
        made = real(session, *args, **kw)
        session.execute(update(KeptAnswer).values(lease=KeptAnswer.lease + 1))
        return made

    monkeypatch.setattr(activities, "create", overtaken)
    problem(post(world, "k1"), 409)
    assert count(world) == 0


def test_after_a_day_the_key_is_free(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(world, "k1").status_code == 201
    later = idempotency.now() + idempotency.KEEP_MS + 1
    monkeypatch.setattr(idempotency, "now", lambda: later)
    assert post(world, "k1", json=body(world, "next day")).status_code == 201
    assert count(world, KeptAnswer) == 1


def test_credentials_are_not_kept(world: World) -> None:
    wanted = {"device_name": "d", "serial_number": "1"}
    made = post(world, "k1", "admin", "/admin/devices/", json=wanted)
    assert made.status_code == 201
    problem(post(world, "k1", "admin", "/admin/devices/", json=wanted), 409)
    assert count(world, Device) == 1
    kept = world.db.read(lambda s: s.scalars(select(KeptAnswer)).one())
    assert kept.answer is None


def test_answers_without_a_body_and_other_codes(world: World) -> None:
    made = device(world)
    claim = {"serial_number": "S1", "device_name": "dev-1"}
    path = "/devices/take-ownership/"
    assert post(world, "k1", path=path, json=claim).status_code == 201
    release = f"/devices/{made['id']}/release-ownership/"
    for _ in range(2):
        assert post(world, "k2", path=release, json=None).status_code == 204
    problem(post(world, "k3", path=release, json=None), 400)


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "ü"])
def test_keys_that_are_refused(world: World, key: str) -> None:
    assert pointers(post(world, key)) == ["/Idempotency-Key"]


def test_it_is_for_post_alone(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    mine = {"username": "ada", "email": "a@club.example"}
    for _ in range(2):
        answer = world.put(f"/managers/{world.ids['ada']}/", "ada", json=mine, headers=headers)
        assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert count(world, KeptAnswer) == 0
    assert count(world, User) == 5


def test_another_query_is_422(world: World) -> None:
    registration = {"username": "eva", "email": "eva@club.example"}
    assert post(world, "k1", path="/managers/", json=registration).status_code == 201
    asked = "/managers/?create_default_athlete=true"
    problem(post(world, "k1", path=asked, json=registration), 422)
    assert post(world, "k1", path="/managers", json=registration).headers[REPLAYED] == "true"


def test_nobody_keeps_a_file_in_memory_without_a_token(world: World) -> None:
    """A form may be as large as a file only for who may send files."""
    form = {"file": (BytesIO(b"x" * (9 * 2**20)), "a.fit")}
    problem(world.post("/managers/", headers={"Idempotency-Key": "k"}, data=form), 413)
