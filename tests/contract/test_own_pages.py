"""An athlete's own pages: permissions, who read what, download, deletion; everybody's account."""

import io
import re
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from core import clock
from core.api.timeline import LEAST, YEAR, line_of
from core.intervals import Window
from core.models import AccessEvent, Permission, User
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import YEAR as IN_2020
from tests.contract.scenes import match, permit
from tests.contract.test_addresses import LINK, address, confirm, token
from tests.contract.test_mail import Post, login, post
from tests.contract.test_pages import inside

__all__ = ["post"]

NOW = ("2020-01-01T00:00:00.000Z", "2099-12-31T00:00:00.000Z")
CSRF = re.compile(r'name="csrf" value="(\w+)"')


def send(client: FlaskClient, page: str, path: str, **form: str) -> Any:
    """Send a form of a page."""
    found = CSRF.search(client.get(page).text)
    assert found
    return client.post(path, data={**form, "csrf": found[1]})


def home(world: World, username: str = "noe") -> str:
    return f"/athletes/{world.ids[username]}"


def held(world: World) -> list[Permission]:
    return world.db.read(lambda s: s.query(Permission).order_by(Permission.id).all())


def grant(world: World, client: FlaskClient, **changes: str) -> Any:
    path = f"{home(world)}/permissions/"
    form = {"manager": "ben", "permission": "READ", "start": "2026-01-05", "stop": "2026-01-06"}
    return send(client, path, path, **{**form, **changes})


def test_a_permission_is_given_shortened_and_taken_back(world: World) -> None:
    client = inside(world, "noe")
    path = f"{home(world)}/permissions/"
    assert "Nobody but you" in client.get(path).text
    assert grant(world, client).location == f"{path}?said=granted"
    [row] = held(world)
    assert (row.manager_id, row.permission) == (world.ids["ben"], "READ")
    assert clock.to_iso(row.start_time) == "2026-01-05T00:00:00.000Z"
    assert clock.to_iso(row.expiration_time) == "2026-01-07T00:00:00.000Z"  # both days included
    page = client.get(f"{path}?said=granted").text
    assert "The permission was given." in page
    assert "<svg" in page
    one = f"{path}{row.id}/"
    assert "ben could read" in client.get(one).text  # it is past
    for day in ("2026-01-06", "2026-01-04", "2027-01-01", "", "5.1.2026", "2026-13-01"):
        assert send(client, one, f"{one}shorten/", stop=day).status_code == 400
    assert send(client, one, f"{one}shorten/", stop="2026-01-05").status_code == 303
    assert clock.to_iso(held(world)[0].expiration_time) == "2026-01-06T00:00:00.000Z"
    assert send(client, one, f"{one}revoke/").location == f"{path}?said=revoked"
    assert held(world) == []
    assert client.get(one).status_code == 404
    assert send(client, path, f"{one}revoke/").status_code == 404


def test_a_running_permission_ends_now(world: World) -> None:
    permit(world, "ben", "READ", span=NOW)
    client, [row] = inside(world, "noe"), held(world)
    one = f"{home(world)}/permissions/{row.id}/"
    assert world.get(f"{home(world)}/", "ben").status_code == 200
    assert send(client, one, f"{one}shorten/", end="now").status_code == 303
    assert world.get(f"{home(world)}/", "ben").status_code == 403
    assert "ended" in client.get(f"{home(world)}/permissions/").text
    assert "1 permission has ended" in client.get("/").text


def test_all_of_one_manager_are_taken_back_at_once(world: World) -> None:
    for right in ("READ", "WRITE", "SHARE"):
        permit(world, "ben", right)
    permit(world, "ada", "READ")
    client = inside(world, "noe")
    one = f"{home(world)}/permissions/{held(world)[0].id}/"
    assert "Take back all 3 of ben" in client.get(one).text
    path = f"{home(world)}/permissions/managers/{world.ids['ben']}/revoke/"
    assert send(client, one, path).status_code == 303
    assert {row.manager_id for row in held(world)} == {world.ids["ada"]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"manager": "nobody"}, "There is no manager"),
        ({"manager": "noe"}, "There is no manager"),  # an athlete
        ({"manager": "99999999"}, "There is no manager"),
        ({"manager": ""}, "say to whom"),
        ({"manager": "a\x00"}, "There is no manager"),
        ({"permission": "ALL"}, "Must be one of"),
        ({"stop": ""}, "is no day"),
        ({"start": "tomorrow"}, "is no day"),
        ({"start": "2026-01-08"}, "the last day is before the first"),
    ],
)
def test_what_cannot_be_given(world: World, changes: dict[str, str], says: str) -> None:
    refused = grant(world, inside(world, "noe"), **changes)
    assert refused.status_code == 400
    assert says.lower() in refused.text.lower()
    assert 'value="2026-01-0' in refused.text  # nothing has to be typed twice
    assert held(world) == []


def test_a_number_is_a_number_even_where_somebody_is_called_so(world: World) -> None:
    body = {"username": str(world.ids["ben"]), "email": "x@c.example", "password": PASSWORD}
    assert world.post("/managers/", json=body).status_code == 201
    assert grant(world, inside(world, "noe"), manager=body["username"], start="").status_code == 303
    [row] = held(world)
    assert (row.manager_id, row.start_time) == (world.ids["ben"], clock.BEGINNING)


def test_whose_pages_they_are(world: World) -> None:
    made = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    managed = f"/athletes/{made.get_json()['id']}"
    manager = inside(world, "ada")
    assert f'href="{managed}/permissions/"' in manager.get("/").text
    for page in ("/permissions/", "/access-log/", "/data/", "/delete/"):
        assert manager.get(managed + page).status_code == 200
        assert manager.get(home(world) + page).status_code == 403
        assert inside(world, "lea").get(home(world) + page).status_code == 403
        assert manager.get(f"/athletes/999999{page}").status_code == 404
        anonymous = world.client.application.test_client().get(home(world) + page)
        assert (anonymous.status_code, anonymous.location) == (
            303, f"/login/?next={home(world)}{page}"
        )  # fmt: skip
    form = {"manager": "ben", "permission": "READ", "start": "", "stop": "2099-01-01"}
    path = f"{managed}/permissions/"
    assert send(manager, path, path, **form).status_code == 303
    assert world.get(f"{managed}/", "ben").status_code == 200
    assert send(manager, path, f"{home(world)}/permissions/", **form).status_code == 403
    lea = inside(world, "lea")
    assert send(lea, "/account/", f"{home(world)}/delete/", password=PASSWORD).status_code == 403


def test_a_form_without_its_token_changes_nothing(world: World) -> None:
    client = inside(world, "noe")
    permit(world, "ben", "READ")
    [row] = held(world)
    for path in (
        f"{home(world)}/permissions/",
        f"{home(world)}/permissions/{row.id}/revoke/",
        f"{home(world)}/permissions/{row.id}/shorten/",
        f"{home(world)}/permissions/managers/{row.manager_id}/revoke/",
        f"{home(world)}/delete/",
        "/account/profile/",
        "/account/address/",
        "/account/address/give-up/",
        "/account/password/",
    ):
        refused = client.post(path, data={"password": PASSWORD, "end": "now", "csrf": "x"})
        assert refused.status_code == 400
        assert "expired" in refused.text
    assert len(held(world)) == 1


def test_far_too_many_permissions_come_in_pages(world: World) -> None:
    def fill(session: Any) -> None:
        for number in range(60):
            session.add(
                Permission(
                    athlete_id=world.ids["noe"], manager_id=world.ids["ben"], permission="READ",
                    start_time=number, expiration_time=clock.FAR_FUTURE,
                )
            )  # fmt: skip

    client, path = inside(world, "noe"), f"{home(world)}/permissions/"
    said: list[str] = []

    def note(statement: str) -> None:
        if statement.startswith("SELECT"):  # not what is counted and flushed beside it
            said.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", lambda *a: note(a[2]))
    client.get(path)
    few = len(said)
    world.db.write(fill)
    said.clear()
    page = client.get(path).text
    assert len(said) == few
    assert page.count("<svg") == 25
    assert "25 of 60" in page
    assert 'href="?page=2"' in page
    assert client.get(f"{path}?page=3").text.count("<svg") == 10
    assert "no further permissions" in client.get(f"{path}?page=4").text
    assert "no end" in page


def test_who_read_what_when_and_through_which_program(world: World) -> None:
    client, path = inside(world, "noe"), f"{home(world)}/access-log/"
    assert "Nobody else has read your data" in client.get(path).text
    permit(world, "ben", "READ", span=NOW)
    world.get(f"{home(world)}/", "ben")
    world.get(f"{home(world)}/permissions/", "admin")
    page = client.get(path).text
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page, re.DOTALL)
    assert len(rows) == 2
    assert "admin" in rows[0]
    assert "permissions" in rows[0]
    assert "ben" in rows[1]
    assert "profile" in rows[1]
    assert "tests" in rows[1]  # the program's name
    listed = world.get(path, "noe").get_json()["results"]
    assert [(row["username"], row["program"]) for row in listed] == [
        ("admin", "tests"), ("ben", "tests")
    ]  # fmt: skip
    only = client.get(f"{path}?who=BE&kind=profile").text
    assert "ben" in only
    assert ">admin" not in only
    assert "Nobody of this name" in client.get(f"{path}?who=%25").text
    assert client.get(f"{path}?kind=x&page=y").status_code == 200


def test_reads_come_in_pages(world: World) -> None:
    def fill(session: Any) -> None:
        for hour in range(120):
            session.add(
                AccessEvent(
                    athlete_id=world.ids["noe"], reader_id=world.ids["ben"], reader="ben",
                    role="MANAGER", kind="samples", program="Club AMS", hour=hour, time=hour,
                )
            )  # fmt: skip

    world.db.write(fill)
    client, path = inside(world, "noe"), f"{home(world)}/access-log/"
    first = client.get(f"{path}?who=ben").text
    assert first.count("Club AMS") == 25
    assert f'href="{path}?who=ben&amp;kind=&amp;page=2"' in first
    assert client.get(f"{path}?page=5").text.count("Club AMS") == 20
    assert "Nothing is older" in client.get(f"{path}?page=6").text


def test_one_program_is_not_another(world: World) -> None:
    """The same read through the pages and through a program makes two rows, once each."""
    made = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    athlete = f"/athletes/{made.get_json()['id']}"
    client = inside(world, "ada")
    for _ in range(2):
        client.get(f"{athlete}/permissions/")
        world.get(f"{athlete}/permissions/", "ada")
    listed = world.get(f"{athlete}/access-log/?kind=permissions", "ada").get_json()["results"]
    assert sorted(row["program"] for row in listed) == ["", "tests"]


def test_everything_is_downloaded(world: World) -> None:
    match(world).frame()
    client = inside(world, "noe")
    page = client.get(f"{home(world)}/data/").text
    assert "2020-05-30" in page
    answer = client.get(f"{home(world)}/data/export.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert "account.json" in archive.namelist()
        assert archive.testzip() is None
    assert inside(world, "ada").get(f"{home(world)}/data/export.zip").status_code == 403


def test_deletion_asks_for_the_password(world: World) -> None:
    client, path = inside(world, "noe"), f"{home(world)}/delete/"
    page = client.get(path).text
    assert "What stays" in page
    for wrong in ("", "wrong", "x\x00"):
        refused = send(client, path, path, password=wrong)
        assert refused.status_code == 400
        assert "Nothing was deleted" in refused.text
    assert login(world, "noe", PASSWORD) == 200
    gone = send(client, path, path, password=PASSWORD)
    assert (gone.status_code, gone.location) == (303, "/deleted/")
    assert "Your account is deleted" in client.get("/deleted/").text
    assert login(world, "noe", PASSWORD) == 400
    assert client.get(path).location.startswith("/login/")


def test_too_many_wrong_passwords_wait(world: World) -> None:
    client, path = inside(world, "noe"), f"{home(world)}/delete/"
    answers = [send(client, path, path, password="wrong") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {400, 429}
    assert answers[-1].headers["Retry-After"]
    assert send(client, path, path, password=PASSWORD).status_code == 429
    assert world.db.read(lambda s: s.get_one(User, world.ids["noe"]).deleted) is None


def test_a_manager_deletes_whom_they_manage(world: World) -> None:
    made = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    path = f"/athletes/{made.get_json()['id']}/delete/"
    client = inside(world, "ada")
    assert send(client, path, path, password=PASSWORD).location == "/"
    assert client.get(path).status_code == 403  # nobody's any more
    permit(world, "ada", "READ", span=NOW)
    own = f"{home(world)}/delete/"
    assert send(client, "/account/", own, password=PASSWORD).status_code == 403


@pytest.mark.parametrize("username", ["noe", "ada"])
def test_a_profile_is_changed(world: World, username: str) -> None:
    client = inside(world, username)
    form = {"username": f"{username}2", "first_name": "Zoë", "last_name": ""}
    if username == "noe":
        form |= {"birth_date": "1999-02-03", "gender": "F", "weight": "61,5", "height": "1.7"}
        form |= {"nationality": ""}
    done = send(client, "/account/", "/account/profile/", **form)
    assert done.location == "/account/?said=profile"
    user = world.db.read(lambda s: s.get_one(User, world.ids[username]))
    assert (user.username, user.name) == (f"{username}2", "Zoë")
    assert user.email == f"{username}@club.example"
    if username == "noe":
        assert (user.athlete_profile.weight, user.athlete_profile.last_name) == (61.5, None)
    assert "Your profile was changed" in client.get(done.location).text


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "", "Username"),
        ("username", "ada", "taken"),
        ("height", "170", "metres"),
        ("weight", "heavy", "Weight"),
        ("birth_date", "1999-02-30", "Birth date"),
        ("gender", "x", "Gender"),
        ("first_name", "x" * 151, "First name"),
        ("first_name", "a\x00b", "U+0000"),
    ],
)
def test_what_a_profile_refuses(world: World, field: str, value: str, says: str) -> None:
    form = {"username": "noe", "first_name": "Noé", field: value}
    refused = send(inside(world, "noe"), "/account/", "/account/profile/", **form)
    assert refused.status_code == 400
    assert says in refused.text
    user = world.db.read(lambda s: s.get_one(User, world.ids["noe"]))
    assert (user.username, user.name) == ("noe", "noe")


def test_an_address_is_changed_on_the_page(world: World, post: Post) -> None:
    client, path = inside(world, "noe"), "/account/address/"
    new = "noe@new.example"
    for form in ({"email": new, "password": "wrong"}, {"email": "no mail", "password": PASSWORD}):
        assert send(client, "/account/", path, **form).status_code == 400
    assert post.owed() == []
    done = send(client, "/account/", path, email=new, password=PASSWORD)
    page = client.get(done.location).text
    assert "A link is on its way" in page
    assert new in page
    first = token(post.deliver())
    assert send(client, "/account/", f"{path}give-up/").status_code == 303
    assert new not in client.get("/account/").text
    assert confirm(world, first).status_code == 400
    send(client, "/account/", path, email=new, password=PASSWORD)
    send(client, "/account/", path, email=new, password=PASSWORD)  # mailed again, asked for here
    messages = post.deliver()
    assert len([message for message in messages if LINK.search(message.body)]) == 1
    assert confirm(world, token(messages)).status_code == 204
    assert address(world) == new


def test_a_password_is_changed_on_the_page(world: World) -> None:
    client, path = inside(world, "ada"), "/account/password/"
    for old, new in (("wrong", "another one"), (PASSWORD, "short")):
        refused = send(client, "/account/", path, password=old, new_password=new)
        assert refused.status_code == 400
    assert login(world, "ada", PASSWORD) == 200
    done = send(client, "/account/", path, password=PASSWORD, new_password="another one")
    assert done.status_code == 303
    assert login(world, "ada", "another one") == 200
    assert client.get("/account/").status_code == 200


def test_an_administrators_account_is_not_changed_here(world: World) -> None:
    client = inside(world, "admin")
    assert client.get("/account/").status_code == 403
    form = {"email": "x@club.example", "password": PASSWORD}
    assert send(client, "/device-activation/", "/account/address/", **form).status_code == 403


def test_who_was_logged_out_meanwhile_comes_to_the_login_page(world: World) -> None:
    client = inside(world, "noe")
    found = CSRF.search(client.get("/account/").text)
    assert found
    world.db.write(lambda s: s.execute(User.metadata.tables["web_session"].delete()))
    sent = client.post("/account/profile/", data={"csrf": found[1], "username": "x"})
    assert (sent.status_code, sent.location) == (303, "/login/")


def test_the_line_of_time() -> None:
    now = clock.from_iso("2026-01-01T00:00:00Z")
    nothing = line_of([], now)
    assert (nothing.start, nothing.stop) == (now - LEAST, now + LEAST)
    for_ever = line_of([Window(0, clock.FAR_FUTURE)], now)
    assert (for_ever.start, for_ever.stop) == (now - 2 * YEAR, now + YEAR)
    assert (for_ever.at(0), for_ever.at(clock.FAR_FUTURE)) == (0, 100)
    assert for_ever.length(0, clock.FAR_FUTURE) == 100
    assert for_ever.length(now, now + 1) == 0.5  # still seen
    past = line_of([Window(*map(clock.from_iso, IN_2020))], now)
    assert past.stop == now + LEAST
