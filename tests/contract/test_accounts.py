"""Accounts, managers and athletes over HTTP: statuses, exact keys, who may."""

import base64

import pytest

from tests.contract.conftest import PASSWORD, World

MANAGER_KEYS = {"id", "username", "external_id", "email", "manager_profile"}
ATHLETE_KEYS = {"id", "username", "external_id", "email", "managed_by", "athlete_profile"}
PROFILE_KEYS = {
    "id",
    "external_id",
    "first_name",
    "last_name",
    "gender",
    "weight",
    "height",
    "birth_date",
    "nationality",
    "profile_picture",
}
PROFILE = {
    "external_id": "6c2f3f7e-0000-4000-8000-000000000031",
    "first_name": "Noé",
    "last_name": "Rey",
    "gender": "M",
    "weight": 71.5,
    "height": 1.82,
    "birth_date": "1999-04-02",
    "nationality": "CH",
    "profile_picture": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
}


def test_account_carries_the_profile_of_the_role(world: World) -> None:
    manager = world.get("/account/", "ada").json
    assert set(manager) == MANAGER_KEYS | {"role", "extra_permissions"}
    assert manager["role"] == "MANAGER"
    assert manager["extra_permissions"] == ["can_create_managed_athletes"]
    athlete = world.get("/account/", "noe").json
    assert set(athlete) == ATHLETE_KEYS | {"role", "extra_permissions"}
    assert athlete["role"] == "ATHLETE"
    assert world.get("/account/", "admin").json["role"] == "ADMINISTRATOR"


def test_a_registered_manager_can_log_in(world: World) -> None:
    body = {
        "username": "eva",
        "email": "eva@club.example",
        "external_id": "ext-7",
        "manager_profile": {"first_name": "Eva", "last_name": "Keller"},
        "password": "a long password",
    }
    made = world.post("/managers/", json=body)
    assert made.status_code == 201
    assert set(made.json) == MANAGER_KEYS
    assert made.json["manager_profile"] == {
        "id": made.json["manager_profile"]["id"],
        "first_name": "Eva",
        "last_name": "Keller",
    }
    token = world.token_request(grant_type="password", username="eva", password="a long password")
    assert token.status_code == 200
    me = world.get(f"/managers/{made.json['id']}/", token=token.json["access_token"])
    assert (me.status_code, me.json) == (200, made.json)


def test_without_a_password_nobody_can_log_in(world: World) -> None:
    world.post("/managers/", json={"username": "eva", "email": "eva@club.example"})
    for password in ("", "None", PASSWORD):
        answer = world.token_request(grant_type="password", username="eva", password=password)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/managers/", {"email": "x@club.example"}, "/username"),
        ("/managers/", {"username": "x", "email": "no mail"}, "/email"),
        ("/managers/", {"username": "ada", "email": "x@club.example"}, "/username"),
        ("/managers/", {"username": "x" * 255, "email": "x@club.example"}, "/username"),
        ("/managers/", {"username": 5, "email": "x@club.example"}, "/username"),
        ("/managers/", {"username": "x", "email": "x@c.example", "password": "short"}, "/password"),
        ("/managers/", {"username": "x", "email": "x@c.example", "colour": 1}, "/colour"),
        ("/managers/", {"username": "x", "email": "x@c.example", "athlete_profile": {}},
         "/athlete_profile"),
        ("/athletes/", {"username": "x", "email": "x@c.example", "athlete_profile": {"height": 18}},
         "/athlete_profile/height"),
        ("/athletes/", {"username": "x", "email": "x@c.example", "athlete_profile": {"weight": ""}},
         "/athlete_profile/weight"),
        ("/athletes/", {"username": "x", "email": "x@c.example", "athlete_profile": {"gender": ""}},
         "/athlete_profile/gender"),
        ("/athletes/",
         {"username": "x", "email": "x@c.example", "athlete_profile": {"birth_date": "1999-02-30"}},
         "/athlete_profile/birth_date"),
        ("/athletes/",
         {"username": "x", "email": "x@c.example", "athlete_profile": {"birth_date": "2199-01-01"}},
         "/athlete_profile/birth_date"),
        *(("/managers/", {"username": name, "email": "x@club.example"}, "/username") for name in (
            " ", "ada ", "a\u00a0da", "ada\u200b", "\u202eada", "a\nda", "managed-1", "DELETED-1")),
    ],
)  # fmt: skip
def test_a_bad_registration_names_the_field(world: World, path, body, pointer) -> None:
    answer = world.post(path, json=body)
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


def test_an_accent_is_the_same_on_every_keyboard(world: World) -> None:
    """A username is one however Unicode composes it: made, taken, and logged in with."""
    composed, apart = "zo\u00eb", "zoe\u0308"
    body = {"username": apart, "email": "zoe@club.example", "password": PASSWORD}
    made = world.post("/managers/", json=body)
    assert (made.status_code, made.json["username"]) == (201, composed)
    taken = world.post("/athletes/", json={**body, "username": composed})
    assert (taken.status_code, taken.json["errors"][0]["pointer"]) == (400, "/username")
    for name in (composed, apart):
        answer = world.token_request(grant_type="password", username=name, password=PASSWORD)
        assert answer.status_code == 200
    me = f"/managers/{made.json['id']}/"
    token = answer.json["access_token"]
    back = {**body, "email": "zoe@club.example"}
    del back["password"]
    assert world.put(me, token=token, json=back).json["username"] == composed
    hidden = world.put(me, token=token, json={**back, "username": "zo\u200be"})
    assert (hidden.status_code, hidden.json["errors"][0]["pointer"]) == (400, "/username")


def test_an_individual_athlete_has_a_default_athlete(world: World) -> None:
    made = world.post(
        "/managers/?create_default_athlete=true",
        json={"username": "eva", "email": "eva@c.example", "athlete_profile": PROFILE},
    )
    assert made.status_code == 201
    assert set(made.json) == MANAGER_KEYS
    world.ids["eva"] = made.json["id"]
    listed = world.get(f"/athletes/?managed_by={made.json['id']}", "eva").json["results"]
    assert [row["is_default_athlete"] for row in listed] == [True]
    assert listed[0]["athlete_profile"] == PROFILE | {"id": listed[0]["athlete_profile"]["id"]}


def test_managers_read_and_change_themselves_only(world: World) -> None:
    ada = world.ids["ada"]
    changed = world.put(
        f"/managers/{ada}/",
        "ada",
        json={
            "id": ada,  # read-only: sent back as it was read
            "username": "ada2",
            "email": "ada2@club.example",
            "manager_profile": {"first_name": "Ada"},
        },
    )
    assert changed.status_code == 201
    assert set(changed.json) == MANAGER_KEYS
    assert changed.json["username"] == "ada2"
    assert changed.json["email"] == "ada@club.example"  # until the new one is confirmed
    assert changed.json["manager_profile"]["first_name"] == "Ada"
    assert world.get(f"/managers/{ada}/", "ben").status_code == 403
    assert world.get(f"/managers/{ada}/", "noe").status_code == 403
    assert world.get(f"/managers/{ada}/", "admin").status_code == 200
    body = {"username": "x", "email": "x@club.example"}
    assert world.put(f"/managers/{ada}/", "ben", json=body).status_code == 403
    assert world.put(f"/managers/{ada}/", "admin", json=body).status_code == 403
    assert world.get(f"/managers/{world.ids['noe']}/", "ada").status_code == 404
    body["username"] = "ben"
    taken = world.put(f"/managers/{ada}/", "ada", json=body)
    assert (taken.status_code, taken.json["errors"][0]["pointer"]) == (400, "/username")


def test_by_external_id(world: World) -> None:
    ada = world.ids["ada"]
    body = {"username": "ada", "email": "ada@club.example", "external_id": "ext-7"}
    world.put(f"/managers/{ada}/", "ada", json=body)
    found = world.get("/managers/by-external-id/?external-id=ext-7", "ada")
    assert (found.status_code, found.json["id"]) == (200, ada)
    assert world.get("/managers/by-external-id/?external-id=ext-7", "ben").status_code == 403
    assert world.get("/managers/by-external-id/?external-id=no", "ada").status_code == 404
    missing = world.get("/managers/by-external-id/", "ada")
    assert (missing.status_code, missing.json["errors"][0]["pointer"]) == (400, "/external-id")
    body = {"username": "noe", "email": "noe@club.example", "external_id": "ext-30"}
    world.put(f"/athletes/{world.ids['noe']}/", "noe", json=body)
    found = world.get("/athletes/by-external-id/?external-id=ext-30", "noe")
    assert (found.status_code, found.json["id"]) == (200, world.ids["noe"])
    assert world.get("/athletes/by-external-id/?external-id=ext-30", "ada").status_code == 403
    assert world.get("/athletes/by-external-id/?external-id=no", "noe").status_code == 404


def test_an_athlete_registers_and_changes_itself(world: World) -> None:
    made = world.post(
        "/athletes/",
        json={"username": "kim", "email": "kim@club.example", "athlete_profile": PROFILE},
    )
    assert made.status_code == 201
    assert set(made.json) == ATHLETE_KEYS
    assert set(made.json["athlete_profile"]) == PROFILE_KEYS
    world.ids["kim"] = made.json["id"]
    path = f"/athletes/{made.json['id']}/"
    assert world.get(path, "kim").json == made.json
    changed = world.put(path, "kim", json=made.json | {"external_id": "ext-30"})
    assert (changed.status_code, changed.json) == (201, made.json | {"external_id": "ext-30"})
    assert world.get(path, "lea").status_code == 403
    assert world.get(path, "ada").status_code == 403
    assert world.put(path, "ada", json=made.json).status_code == 403
    assert world.get("/athletes/999/", "ada").status_code == 404
    assert world.get(f"/athletes/{world.ids['ada']}/", "ada").status_code == 404


def test_managed_athletes(world: World) -> None:
    ada, ben = world.ids["ada"], world.ids["ben"]
    body = {"managed_by": ada, "external_id": "ext-33", "athlete_profile": PROFILE}
    made = world.post("/athletes/create-managed/", "ada", json=body)
    assert made.status_code == 201
    assert set(made.json) == ATHLETE_KEYS - {"email"}
    assert made.json["username"].startswith("MANAGED-")
    assert made.json["managed_by"] == ada
    rows = world.get(f"/athletes/{made.json['id']}/permissions/", "ada").json["results"]
    assert {row["permission"] for row in rows} == {"READ", "WRITE", "SHARE"}
    assert {(row["start_time"], row["expiration_time"]) for row in rows} == {
        ("1970-01-01T00:00:00.000Z", "2199-12-31T00:00:00.000Z")
    }
    assert world.get(f"/athletes/{made.json['id']}/", "ada").json == made.json
    assert world.get(f"/athletes/{made.json['id']}/", "ben").status_code == 403
    assert (
        world.post("/athletes/create-managed/", "ada", json={"managed_by": ben}).status_code == 403
    )
    assert (
        world.post("/athletes/create-managed/", "ben", json={"managed_by": ben}).status_code == 403
    )
    assert (
        world.post("/athletes/create-managed/", "noe", json={"managed_by": ada}).status_code == 403
    )


@pytest.fixture
def squad(world: World) -> World:
    """Five athletes managed by ada."""
    rows = [
        ("Zoë", "Abel", "F", "2001-01-01"),
        ("Ann", "berg", "F", "1990-05-05"),
        ("Cem", "Cole", "M", "1985-12-31"),
        ("Dan", "D%le", "M", None),
        ("Eli", "Abend", None, "1999-06-30"),
    ]
    for first, last, gender, birth in rows:
        profile = {"first_name": first, "last_name": last, "gender": gender, "birth_date": birth}
        body = {"managed_by": world.ids["ada"], "athlete_profile": profile, "external_id": first}
        assert world.post("/athletes/create-managed/", "ada", json=body).status_code == 201
    return world


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [row["athlete_profile"]["first_name"] for row in answer.json["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Zoë", "Ann", "Cem", "Dan", "Eli"]),
        ("ordering=first_name", ["Ann", "Cem", "Dan", "Eli", "Zoë"]),
        ("ordering=-birthdate", ["Zoë", "Eli", "Ann", "Cem", "Dan"]),
        ("gender=f", ["Zoë", "Ann"]),
        ("last_name=AB", ["Zoë", "Eli"]),
        ("last_name=%25", ["Dan"]),
        ("search=EL", ["Zoë", "Eli"]),
        ("external_id=cem", ["Cem"]),
        ("birthdate_from=1990-05-05&birthdate_to=1999-06-30", ["Ann", "Eli"]),
        ("is_managed=true&search=cole", ["Cem"]),
        ("is_managed=false", []),
        ("managed_by=1&limit=2&page=2", ["Cem", "Dan"]),
        ("unknown=1&limit=1", ["Zoë"]),
    ],
)
def test_lists_are_filtered_ordered_searched_and_paged(squad: World, query, expected) -> None:
    query = query.replace("managed_by=1", f"managed_by={squad.ids['ada']}")
    assert names(squad.get(f"/athletes/?{query}", "ada")) == expected


def test_a_page_says_where_it_stands(squad: World) -> None:
    page = squad.get("/athletes/?limit=2&page=2", "ada").json
    assert {key: page[key] for key in page if key != "results"} == {
        "count": 5,
        "page": 2,
        "next": 3,
        "previous": 1,
    }
    last = squad.get("/athletes/?limit=2&page=3", "ada").json
    assert (last["next"], last["previous"], len(last["results"])) == (None, 2, 1)
    assert squad.get("/athletes/?limit=2&page=4", "ada").status_code == 404
    assert squad.get(f"/athletes/?page={2**63 - 1}", "ada").status_code == 404
    assert len(squad.get("/athletes/?limit=1000000", "ada").json["results"]) == 5
    nothing = squad.get("/athletes/", "ben")
    assert (nothing.status_code, nothing.json["count"]) == (200, 0)
    assert squad.get("/athletes/?page=2", "ben").status_code == 404


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page=0", "page"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1_0", "limit"),
        (f"limit={10**30}", "limit"),
        ("limit=1&limit=2", "limit"),
        ("ordering=height", "ordering"),
        ("gender=x", "gender"),
        ("managed_by=me", "managed_by"),
        ("is_managed=yes", "is_managed"),
        ("birthdate_from=1999-13-01", "birthdate_from"),
        ("search=%00", "search"),
    ],
)
def test_a_bad_parameter_is_named(world: World, query, name) -> None:
    answer = world.get(f"/athletes/?{query}", "ada")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == f"/{name}"
    assert name in answer.json["detail"]


def test_athletes_do_not_list_athletes(world: World) -> None:
    assert world.get("/athletes/", "noe").status_code == 403


def test_filters_hide_single_objects_too(squad: World) -> None:
    cem = squad.get("/athletes/?first_name=cem", "ada").json["results"][0]["id"]
    assert squad.get(f"/athletes/{cem}/?gender=M", "ada").status_code == 200
    assert squad.get(f"/athletes/{cem}/?gender=F", "ada").status_code == 404


@pytest.mark.parametrize(
    "image", [b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x0a\x00\x00\x00WEBP", b"\x89PNG\r\n\x1a\n" * 9]
)
def test_a_picture_comes_back(world: World, image: bytes) -> None:
    picture = base64.b64encode(image).decode()
    path = f"/athletes/{world.ids['noe']}/"
    profile = {"profile_picture": picture}
    body = {"username": "noe", "email": "n@club.example", "athlete_profile": profile}
    answer = world.put(path, "noe", json=body)
    assert answer.status_code == 201
    assert answer.json["athlete_profile"]["profile_picture"] == picture


@pytest.mark.parametrize(
    "picture",
    [
        "not base64",
        "data:image/png;base64,iVBORw0KGgo=",
        "",
        base64.b64encode(b"<svg onload='alert(1)'/>").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(512 * 1024)).decode(),
        7,
    ],
)
def test_what_is_no_picture_is_refused(world: World, picture: object) -> None:
    body = {
        "username": "x",
        "email": "x@c.example",
        "athlete_profile": {"profile_picture": picture},
    }
    answer = world.post("/athletes/", json=body)
    assert answer.status_code == 400
    assert [row["pointer"] for row in answer.json["errors"]] == ["/athlete_profile/profile_picture"]
