"""Changing a password, and managed athletes: who may, what is refused, what follows."""

import pytest

from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import pointers, problem

NEW = "another password"


@pytest.mark.parametrize(("user", "kind"), [("ada", "managers"), ("noe", "athletes")])
def test_a_new_password_is_the_one_that_counts(world: World, user: str, kind: str) -> None:
    path = f"/{kind}/{world.ids[user]}/change-password/"
    answer = world.post(path, user, json={"password": NEW})
    assert (answer.status_code, answer.data) == (204, b"")
    for password, status in ((PASSWORD, 400), (NEW, 200)):
        token = world.token_request(grant_type="password", username=user, password=password)
        assert token.status_code == status
    assert world.get("/account/", user).status_code == 200  # the caller's token lives on


def test_who_may_not_and_what_is_refused(world: World) -> None:
    ada, noe = world.ids["ada"], world.ids["noe"]
    for path in (f"/managers/{ada}/change-password/", f"/athletes/{noe}/change-password/"):
        for user in ("ben", "lea", "admin"):
            problem(world.post(path, user, json={"password": NEW}), 403)
        holder = "ada" if "managers" in path else "noe"
        assert pointers(world.post(path, holder, json={"password": "short"})) == ["/password"]
        assert pointers(world.post(path, holder, json={"password": "x" * 1025})) == ["/password"]
        assert pointers(world.post(path, holder, json={})) == ["/password"]
        assert pointers(world.post(path, holder, json={"password": NEW, "old": "x"})) == ["/old"]
        problem(world.post(path, token=world.login(holder, "read"), json={"password": NEW}), 403)
    problem(world.post(f"/athletes/{ada}/change-password/", "ada", json={"password": NEW}), 404)
    problem(world.post("/managers/999/change-password/", "ada", json={"password": NEW}), 404)
    for user in ("ada", "noe"):
        token = world.token_request(grant_type="password", username=user, password=PASSWORD)
        assert token.status_code == 200


def test_a_managed_athlete_is_changed_by_who_manages_them(world: World) -> None:
    ada, ben = world.ids["ada"], world.ids["ben"]
    body = {"managed_by": ada, "external_id": "7", "athlete_profile": {"weight": 70.0}}
    made = world.post("/athletes/create-managed/", "ada", json=body).get_json()
    path = f"/athletes/{made['id']}/update-managed/"
    change = {"managed_by": ada, "athlete_profile": {"height": 1.8}}
    answer = world.put(path, "ada", json=change)
    assert answer.status_code == 201
    changed = answer.get_json()
    assert changed == {**made, "athlete_profile": {**made["athlete_profile"], "height": 1.8}}
    assert "email" not in changed
    for user in ("ben", "noe", "admin"):
        problem(world.put(path, user, json=change), 403)
    problem(world.put(path, "ada", json={**change, "managed_by": ben}), 403)
    assert pointers(world.put(path, "ada", json={})) == ["/managed_by"]
    tall = {**change, "athlete_profile": {"height": 180}}
    assert pointers(world.put(path, "ada", json=tall)) == ["/athlete_profile/height"]
    problem(world.put("/athletes/999/update-managed/", "ada", json=change), 404)
    noe = f"/athletes/{world.ids['noe']}/update-managed/"
    problem(world.put(noe, "ada", json=change), 403)


def test_changing_a_managed_athlete_needs_the_extra_permission(world: World) -> None:
    made = world.post(
        "/managers/?create_default_athlete=true",
        json={"username": "eva", "email": "eva@club.example", "password": PASSWORD},
    ).get_json()
    world.ids["eva"] = made["id"]
    [own] = world.get(f"/athletes/?managed_by={made['id']}", "eva").get_json()["results"]
    path = f"/athletes/{own['id']}/"
    refusal = problem(
        world.put(f"{path}update-managed/", "eva", json={"managed_by": made["id"]}), 403
    )
    assert "can_create_managed_athletes" in refusal["detail"]
    assert world.delete(f"{path}delete-managed/", "eva").status_code == 204
    problem(world.get(path, "eva"), 404)
