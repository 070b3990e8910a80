"""The pages for administrators: who sees them, what they change, and that they refuse like REST."""

import html
import io
import re
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from core.auth.secrets import seal
from core.clock import FAR_FUTURE, now
from core.doorbell import ALIVE_RELAY, ALIVE_WORKER
from core.models import (
    AuditEvent,
    ClientUsage,
    ComputeState,
    Delivery,
    Device,
    DeviceOwnership,
    Job,
    OAuthClient,
    Outbox,
    User,
    Webhook,
)
from core.models.work import FAILURE
from core.sport.registry import SportState
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import match
from tests.contract.test_pages import inside, section
from tests.contract.test_second_factor import send as send_from

NUMBERS = count(1)


@pytest.fixture
def world(shared: World) -> World:
    return shared


@pytest.fixture
def admin(world: World) -> FlaskClient:
    """An administrator's browser; one login for all tests of this module."""
    if not hasattr(world, "browser"):
        world.browser = inside(world, "admin")
    return world.browser


def new(word: str) -> str:
    """A name that no other test has."""
    return f"{word}-{next(NUMBERS)}"


def send(client: FlaskClient, path: str, page: str | None = None, **form: Any) -> TestResponse:
    return send_from(client, path, page or path, **form)


def text(answer: TestResponse | str) -> str:
    """What people read, without tags."""
    markup = answer if isinstance(answer, str) else answer.text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", markup)))


def rows(world: World, statement: Any) -> list[Any]:
    return list(world.db.read(lambda session: session.scalars(statement).all()))


def last_change(world: World) -> AuditEvent:
    return rows(world, select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1))[0]


def device(world: World, **facts: Any) -> Device:
    made = Device(device_name=new("vest"), serial_number=new("S"), **facts)
    world.db.write(lambda session: session.add(made))
    return made


def webhook(world: World, **facts: Any) -> Webhook:
    made = Webhook(
        activity_id=1, owner_id=world.ids["ada"], secret_sealed=seal("whsec-of-ada"),
        webhook_url=f"https://user:pw@{new('ams')}.example/hook?key=k3y-of-ada",
        activity_events=True, timeframes_events=True, created=now(), **facts,
    )  # fmt: skip
    world.db.write(lambda session: session.add(made))
    return made


def things(world: World) -> dict[str, int]:
    """One of each kind that a path may name."""
    return {
        "user": world.ids["ada"],
        "device": device(world).id,
        "client": world.oauth.id,
        "schema": 1,
        "webhook": webhook(world).id,
    }


def paths(world: World, method: str) -> list[str]:
    some = things(world)
    rules = world.client.application.url_map.iter_rules()
    found = [
        re.sub(r"<int:(\w+)>", lambda m: str(some[m[1]]), rule.rule)
        for rule in rules
        if rule.rule.startswith("/admin/") and method in (rule.methods or ())
    ]
    assert len(found) >= 15
    return found


def test_administrators_alone_see_them(world: World, admin: FlaskClient) -> None:
    managers, athletes = inside(world, "ada"), inside(world, "noe")
    for path in paths(world, "GET"):
        nobody = world.client.application.test_client().get(path)
        assert (nobody.status_code, nobody.location) == (303, f"/login/?next={path}")
        for client in (managers, athletes):
            refused = client.get(path)
            assert (refused.status_code, "For administrators" in refused.text) == (403, True), path
        page = admin.get(path)
        assert page.status_code == 200, path
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script|\sstyle=|\son\w+=|(href|src)=.?https?:", page.text), path


def test_forms_need_the_token_of_this_browser(world: World, admin: FlaskClient) -> None:
    before = world.db.read(lambda s: s.scalar(select(func.count()).select_from(AuditEvent)))
    manager = inside(world, "ada")
    token = re.search(r'name="csrf" value="(\w+)"', manager.get("/").text)[1]
    for path in paths(world, "POST"):
        for forged in ({}, {"csrf": token}):
            answer = admin.post(path, data={"username": "eva", "password": PASSWORD, **forged})
            assert (answer.status_code, "This form has expired" in answer.text) == (400, True), path
        assert manager.post(path, data={"csrf": token}).status_code == 403, path
    after = world.db.read(lambda s: s.scalar(select(func.count()).select_from(AuditEvent)))
    assert after == before


def test_the_start_page_of_an_administrator(world: World, admin: FlaskClient) -> None:
    assert admin.get("/").location == "/admin/"
    page = admin.get("/admin/")
    for path in re.findall(r'href="(/admin/[^"]*)"', page.text):
        assert admin.get(html.unescape(path)).status_code == 200, path
    assert "Your account has no second factor" in page.text


# Users


def test_an_account_is_made_and_found(world: World, admin: FlaskClient) -> None:
    name = new("coach")
    made = send(
        admin, "/admin/users/new/", role="MANAGER", username=name, email=f"{name}@club.example"
    )
    assert made.status_code == 303
    page = text(admin.get(made.location))
    assert "The account was made." in page
    assert "no password set yet" in page
    assert last_change(world).action == "user.create"
    assert name in admin.get(f"/admin/users/?search={name}&role=MANAGER").text
    assert name not in admin.get("/admin/users/?role=ATHLETE").text
    empty = admin.get("/admin/users/?search=nobody-at-all")
    assert "No account is like this" in empty.text
    unknown = admin.get("/admin/users/?role=KING")
    assert (unknown.status_code, "parameter role: must be one of" in unknown.text) == (400, True)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "ada", "taken"),
        ("username", "", "required"),
        ("username", "x" * 255, "Length"),
        ("username", "a\x00b", "U+0000"),
        ("email", "nowhere", "email"),
        ("role", "KING", "Must be one of"),
        ("password", "short", "between 8"),
    ],
)
def test_what_no_account_is_made_of(
    world: World, admin: FlaskClient, field: str, value: str, says: str
) -> None:
    form = {"role": "MANAGER", "username": new("coach"), "email": "c@club.example"}
    form |= {"external_id": "kept-17", "password": "long enough", field: value}
    refused = send(admin, "/admin/users/new/", **form)
    assert refused.status_code == 400
    said = re.search(rf'id="{field}-fault">([^<]+)<', refused.text)
    assert said, text(refused)
    assert says in said[1]
    assert 'value="kept-17"' in refused.text  # nothing has to be typed twice
    assert "long enough" not in refused.text  # but for the password


def test_an_administrator_needs_a_password(world: World, admin: FlaskClient) -> None:
    form = {"role": "ADMINISTRATOR", "username": new("chief"), "email": "c@club.example"}
    refused = send(admin, "/admin/users/new/", **form)
    assert 'id="password-fault">an administrator needs one<' in refused.text
    assert send(admin, "/admin/users/new/", **form, password="long enough").status_code == 303


def test_disabling_and_enabling(world: World, admin: FlaskClient) -> None:
    path, token = f"/admin/users/{world.ids['ben']}/", world.login("ben")
    browser = inside(world, "ben")
    done = send(admin, f"{path}disable/", path)
    assert done.status_code == 303
    assert "every token of it has ended" in admin.get(done.location).text
    assert world.get("/account/", token=token).status_code == 401
    assert browser.get("/oauth2/consents/").location.startswith("/login/")
    assert last_change(world).after == {"disabled": True}
    done = send(admin, f"{path}enable/", path)
    assert "lets in again" in admin.get(done.location).text
    assert browser.get("/oauth2/consents/").location.startswith("/login/")  # not of before
    inside(world, "ben")
    me = f"/admin/users/{world.ids['admin']}/"
    assert "Disable" not in admin.get(me).text
    refused = send(admin, f"{me}disable/", path)
    assert (refused.status_code, "nobody disables themselves" in refused.text) == (400, True)


def test_extra_permissions(world: World, admin: FlaskClient) -> None:
    path, name = f"/admin/users/{world.ids['ben']}/", "can_create_managed_athletes"
    assert send(admin, f"{path}permissions/", path, extra_permissions=name).status_code == 303
    assert rows(world, select(User).where(User.username == "ben"))[0].extra_permissions == [name]
    assert re.search(rf'value="{name}" checked', admin.get(path).text)
    send(admin, f"{path}permissions/", path)
    assert rows(world, select(User).where(User.username == "ben"))[0].extra_permissions == []
    odd = send(admin, f"{path}permissions/", path, extra_permissions="fly")
    assert odd.status_code == 400
    athlete = f"/admin/users/{world.ids['noe']}/"
    assert "Extra permissions" not in admin.get(athlete).text


def test_another_address(world: World, admin: FlaskClient) -> None:
    path = f"/admin/users/{world.ids['ben']}/"
    done = send(admin, f"{path}address/", path, email="ben@moved.example")
    assert "has another address" in admin.get(done.location).text
    assert "ben@moved.example" in admin.get("/admin/users/?search=moved.example").text
    refused = send(admin, f"{path}address/", path, email="nowhere")
    assert (refused.status_code, "/email: Not a valid email" in refused.text) == (400, True)


def test_a_link_to_set_a_password_goes_by_mail(world: World, admin: FlaskClient) -> None:
    path = f"/admin/users/{world.ids['noe']}/"
    done = send(admin, f"{path}password-link/", path)
    page = admin.get(done.location)
    assert "on its way by mail" in page.text
    assert "token=" not in page.text
    owed = rows(world, select(Outbox.payload).where(Outbox.topic == "mail"))
    assert "reset" in [row["kind"] for row in owed if row["user"] == world.ids["noe"]]
    assert last_change(world).action == "user.mail_link"
    nobody = admin.get("/admin/users/999999/")
    assert nobody.status_code == 404


# Devices


def test_a_device_is_registered_with_its_token(world: World, admin: FlaskClient) -> None:
    name, serial = new("vest"), new("S")
    form = {"device_name": name, "serial_number": serial, "device_type": "vest"}
    made = send(admin, "/admin/devices/new/", **form)
    token = re.search(r'secret" tabindex="0">([\w-]{43})<', made.text)[1]
    number = re.search(r"/admin/devices/(\d+)/", made.text.split("<h1>")[1])[1]
    path = f"/admin/devices/{number}/"
    assert token not in admin.get(path).text
    again = send(admin, "/admin/devices/new/", **form)
    assert (again.status_code, "exists" in again.text) == (409, True)
    rotated = send(admin, f"{path}rotate-token/", path)
    second = re.search(r'secret" tabindex="0">([\w-]{43})<', rotated.text)[1]
    hello = {"batch": "b", "columns": {}}
    uplink = f"/devices/{number}/samples/"
    assert world.post(uplink, token=token, json=hello).status_code == 401
    assert world.post(uplink, token=second, json=hello).status_code != 401
    send(admin, path, device_type="pod", firmware_version="")
    assert last_change(world).after == {"device_type": "pod"}
    assert name in admin.get(f"/admin/devices/?search={serial}").text


def test_devices_from_a_file_or_a_text(world: World, admin: FlaskClient) -> None:
    first, second = new("S"), new("S")
    table = f"device_name,serial_number\r\nv,{first}\r\nw,{second}\r\n"
    done = send(admin, "/admin/devices/bulk/", csv=table)
    assert len(set(re.findall(r'"Uplink token">([\w-]{43})<', done.text))) == 2
    again = send(admin, "/admin/devices/bulk/", csv=table)
    assert again.status_code == 400
    assert "line 2: a device" in text(again)
    assert first in again.text  # what was pasted is kept
    faulty = "device_name,serial_number\nv,\nw,9\n"
    refused = send(admin, "/admin/devices/bulk/", csv=faulty)
    assert "line 2, serial_number: 1 to 255 characters" in text(refused)
    page = admin.get("/admin/devices/bulk/").text
    token = re.search(r'name="csrf" value="(\w+)"', page)[1]
    for content, says in (
        (f"device_name,serial_number\nx,{new('S')}\n".encode(), "x"),
        (b"\xff\xfe", "the file is not UTF-8"),
        (b"", "the first line names the columns"),
    ):
        form = {"csrf": token, "csv": "", "file": (io.BytesIO(content), "devices.csv")}
        assert says in admin.post("/admin/devices/bulk/", data=form).text


def test_an_ownership_of_the_past(world: World, admin: FlaskClient) -> None:
    path = f"/admin/devices/{device(world).id}/"
    assert "Nobody has owned this device" in admin.get(path).text
    own = f"{path}own/"
    past = {"start_time": "2020-01-01T10:00", "end_time": "2020-02-01T10:00:30"}
    assert send(admin, own, path, manager="ada", **past).status_code == 303
    assert send(admin, own, path, manager="ben", start_time="2021-01-01T00:00").status_code == 303
    owned = rows(world, select(DeviceOwnership).order_by(DeviceOwnership.id.desc()).limit(2))
    assert owned[0].end_time == FAR_FUTURE
    assert owned[1].start_time == 1_577_872_800_000
    owners = text(section(admin.get(path).text, "Owners"))
    assert re.search(r"ben 2021-01-01 00:00 open .*ada 2020-01-01 10:00 2020-02-01 10:00", owners)
    assert "ben" in admin.get("/admin/devices/").text
    overlap = send(admin, own, path, manager="ada", **past)
    assert (overlap.status_code, "is owned within" in overlap.text) == (409, True)
    for form, field in (
        ({"manager": "nobody", "start_time": "2020-01-01T00:00"}, "manager"),
        ({"manager": "noe", "start_time": "2020-01-01T00:00"}, "manager"),
        ({"manager": "ada", "start_time": ""}, "start_time"),
        ({"manager": "ada", "start_time": "yesterday"}, "start_time"),
        ({"manager": "ada", **dict(zip(past, reversed(past.values()), strict=True))}, "end_time"),
    ):
        refused = send(admin, own, path, **form)
        assert (refused.status_code, f'id="{field}-fault"' in refused.text) == (400, True), form


# Clients


def test_a_client_and_its_secret(world: World, admin: FlaskClient) -> None:
    name = new("AMS")
    form = {
        "name": name, "owner": "AMS Ltd", "grants": ["authorization_code", "password"],
        "redirect_uris": "https://ams.example/cb\r\n\r\n https://ams.example/two ",
        "cors_origins": "https://ams.example", "scope": "all", "throttle_class": "low",
    }  # fmt: skip
    made = send(admin, "/admin/clients/new/", **form)
    secret = re.search(r'secret" tabindex="0">([\w-]{43})<', made.text)[1]
    row = rows(world, select(OAuthClient).where(OAuthClient.name == name))[0]
    assert (row.owner, row.throttle_class) == ("AMS Ltd", "low")
    assert row.redirect_uris == ["https://ams.example/cb", "https://ams.example/two"]
    path = f"/admin/clients/{row.id}/"
    assert secret not in admin.get(path).text
    login = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    token = world.client.post("/oauth2/token/", data=login, auth=(row.client_id, secret))
    assert token.status_code == 200
    world.get("/account/", token=token.json["access_token"])
    use = text(section(admin.get(path).text, "Use by day (UTC)"))
    assert re.search(r"\d{4}-\d\d-\d\d 1 0", use)
    assert name in section(admin.get("/admin/throttles/").text, "Clients today (UTC)")
    rotated = send(admin, f"{path}rotate-secret/", path)
    second = re.search(r'secret" tabindex="0">([\w-]{43})<', rotated.text)[1]
    tries = [
        world.client.post("/oauth2/token/", data=login, auth=(row.client_id, one)).status_code
        for one in (secret, second)
    ]
    assert tries == [401, 200]
    done = send(admin, path, name=name, owner="", redirect_uris="https://ams.example/new",
                cors_origins="", throttle_class="high")  # fmt: skip
    assert "The change is stored." in admin.get(done.location).text
    assert last_change(world).after == {
        "owner": "", "redirect_uris": ["https://ams.example/new"], "cors_origins": [],
        "throttle_class": "high",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "required"),
        ({"grants": []}, "grants", "one or more"),
        ({"redirect_uris": ""}, "redirect_uris", "needs one"),
        ({"redirect_uris": "https://a.example/\nnot a uri"}, "redirect_uris", "2: must be an"),
        ({"cors_origins": "https://ams.example/path"}, "cors_origins", "1: must be an origin"),
        ({"throttle_class": "endless"}, "throttle_class", "Must be one of"),
    ],
)
def test_what_is_no_client(
    world: World, admin: FlaskClient, changes: dict[str, Any], field: str, says: str
) -> None:
    form = {"name": new("AMS"), "grants": ["authorization_code"], "scope": "read",
            "redirect_uris": "https://a.example/", "cors_origins": ""}  # fmt: skip
    refused = send(admin, "/admin/clients/new/", **{**form, **changes})
    assert refused.status_code == 400
    said = re.search(rf'id="{field}-fault">([^<]+)<', refused.text)
    assert said, text(refused)
    assert says in said[1]


def test_a_public_client_has_no_secret(world: World, admin: FlaskClient) -> None:
    form = {"name": new("App"), "grants": ["authorization_code"], "redirect_uris": "club.app:/cb"}
    made = send(admin, "/admin/clients/new/", **form, public="yes")
    assert "It is public" in made.text
    path = re.search(r"/admin/clients/\d+/", made.text.split("<h1>")[1])[0]
    assert "Make a new secret" not in admin.get(path).text
    refused = send(admin, f"{path}rotate-secret/", path)
    assert (refused.status_code, "a public client has no secret" in refused.text) == (400, True)


# Schemas, sports, work, throttles, audit


def test_schemas_and_sports(world: World, admin: FlaskClient, monkeypatch: Any) -> None:
    listed = admin.get("/admin/schemas/?search=tennis&type=TIMEFRAME")
    assert "timeframe_tennis" in listed.text
    assert "activity_tennis" not in listed.text
    number = re.search(r"/admin/schemas/(\d+)/", listed.text)[1]
    assert "&#34;$schema&#34;" in admin.get(f"/admin/schemas/{number}/").text
    assert admin.get("/admin/schemas/999999/").status_code == 404
    states = [
        SportState("tennis", "1", "touchline", "enabled", None),
        SportState("chess", "?", "touchline-chess", "failed", "no module named 'board'"),
    ]
    registry = world.client.application.extensions["touchline"].registry
    monkeypatch.setattr(registry, "states", lambda: states)
    page = text(admin.get("/admin/sports/"))
    assert "chess ? touchline-chess failed no module named 'board'" in page
    assert "The sport chess failed to load" in admin.get("/admin/").text
    monkeypatch.setattr(registry, "states", list)
    assert "No sport is installed" in admin.get("/admin/sports/").text


def stuck(world: World) -> None:
    """Owed work that is late, a time frame that cannot be computed, a job that failed."""
    played = match(world)
    frame = played.frame()

    def add(session: Any) -> None:
        owed = session.scalars(select(Outbox)).first()
        owed.due, owed.lease, owed.attempts = now() - 3_600_000, 0, 2
        session.merge(
            ComputeState(timeframe_id=frame, arrival={}, failures=3, error="KeyError: 'gps.lat'")
        )
        session.add(
            Job(job_id=new("job"), kind="import", state=FAILURE, arguments={}, created=now(),
                finished=now(), details={"reason": "unreadable", "detail": "no FIT header"})
        )  # fmt: skip

    world.db.write(add)


def test_held_work_says_why(world: World, admin: FlaskClient, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.delete(ALIVE_RELAY)
    client.sadd("rq:queues", "rq:queue:compute")
    client.rpush("rq:queue:compute", "one", "two")
    stuck(world)
    page = text(admin.get("/admin/work/"))
    assert "No relay is alive" in page
    assert "No worker is alive" in page
    assert "compute 2 0 0" in page
    assert "KeyError: 'gps.lat'" in page
    assert "unreadable: no FIT header" in page
    first = text(admin.get("/admin/"))
    for what in ("No relay is alive", "No worker is alive", "Overdue work: ",
                 "Time frames with an error: 1", "Failed jobs: 1"):  # fmt: skip
        assert what in first
    client.set(ALIVE_RELAY, "1", ex=15)
    client.set(f"{ALIVE_WORKER}w1", "1", ex=15)
    client.hset("rq:worker:w1", mapping={"queues": "live,compute", "state": "busy"})
    page = text(admin.get("/admin/work/"))
    assert "A relay is alive." in page
    assert "w1 live, compute busy" in page
    for key in (ALIVE_RELAY, f"{ALIVE_WORKER}w1", "rq:worker:w1", "rq:queue:compute", "rq:queues"):
        client.delete(key)


def test_without_redis_the_pages_still_stand(
    world: World, admin: FlaskClient, monkeypatch: Any
) -> None:
    app = world.client.application.extensions["touchline"]
    nowhere = redis.Redis(unix_socket_path="/nowhere/at/all.sock")
    extensions = world.client.application.extensions
    monkeypatch.setitem(extensions, "touchline", replace(app, redis=nowhere))
    assert "Redis does not answer" in admin.get("/admin/work/").text
    assert "Redis does not answer" in admin.get("/admin/").text


def test_deliveries(world: World, admin: FlaskClient) -> None:
    lame = webhook(world, state="disabled", reason="failed for five days: 503")
    fine = webhook(world)
    sent = {
        "resource": "activity-1", "body": "{}", "replay": False, "tries": 1, "created": now(),
        "due": now(), "kind": "test", "type": "test",
    }  # fmt: skip

    def add(session: Any) -> None:
        for number, (state, error) in enumerate(
            [("delivered", None), ("failed", "connection refused"), ("pending", None)]
        ):
            finished = None if state == "pending" else 1_600_000_000_000
            session.add(
                Delivery(webhook_id=fine.id, message=new("m"), sequence=number, state=state,
                         attempts=number + 1, finished=finished, error=error, **sent)
            )  # fmt: skip

    world.db.write(add)
    host = lambda row: row.webhook_url.split("@")[1].split("/")[0]  # noqa: E731
    page = text(admin.get("/admin/deliveries/"))
    assert f"https://{host(fine)}/hook ada active 1 1 1 2020-09-13 12:26" in page
    assert f"https://{host(lame)}/hook ada disabled 0 0 0 never failed for five days: 503" in page
    found = admin.get("/admin/deliveries/?state=disabled").text
    assert host(lame) in found
    assert host(fine) not in found
    one = admin.get(f"/admin/deliveries/{fine.id}/").text
    assert "1 waiting, 1 failed, 1 delivered" in one
    assert "connection refused" in one
    for secret in ("whsec", "user:pw", "k3y-of-ada"):
        assert secret not in found + one + page
    assert "Disabled webhooks: " in admin.get("/admin/").text
    assert admin.get("/admin/deliveries/999999/").status_code == 404


def test_limits_are_told_as_they_are_multiplied(world: World, admin: FlaskClient) -> None:
    page = text(admin.get("/admin/throttles/"))
    assert "client, class low 10,000,000 100,000,000" in page
    assert "Multiplied by 1,000,000" in page

    def use(session: Any) -> None:
        day = {"client_id": world.oauth.id, "day": "2020-01-01", "requests": 5, "refused": 7}
        session.merge(ClientUsage(**day))

    world.db.write(use)
    assert "2020-01-01" in admin.get(f"/admin/clients/{world.oauth.id}/").text


def test_the_audit_log(world: World, admin: FlaskClient) -> None:
    made = device(world)
    send(admin, f"/admin/devices/{made.id}/", device_type="<b>pod</b>")
    page = admin.get(f"/admin/audit-log/?kind=device&target={made.id}")
    assert "device_type: nothing → <b>pod</b>" in text(page.text.replace("&lt;", "‹")).replace(
        "‹b>", "<b>").replace("‹/b>", "</b>")  # fmt: skip
    assert "<b>pod" not in page.text
    assert "admin" in admin.get("/admin/audit-log/?search=device.change").text
    none = admin.get("/admin/audit-log/?time_from=2100-01-01T00:00")
    assert (none.status_code, "No change is like this" in none.text) == (200, True)
    odd = admin.get("/admin/audit-log/?target=x&time_to=soon")
    assert (odd.status_code, "parameter target" in odd.text) == (400, True)
    assert admin.get("/admin/audit-log/?page=99999").status_code == 404


def test_far_too_much_comes_in_pages(world: World, admin: FlaskClient) -> None:
    word = new("many")

    def add(session: Any) -> None:
        for number in range(120):
            session.add(User(username=f"{word}-{number:03}", role="MANAGER", created=now()))

    world.db.write(add)
    page = admin.get(f"/admin/users/?search={word}&role=MANAGER")
    assert page.text.count("<tr>") == 51
    assert "50 of 120" in page.text
    further = html.unescape(re.search(r'href="([^"]+)" rel="next"', page.text)[1])
    assert further == f"/admin/users/?search={word}&role=MANAGER&page=2"
    assert "50 of 120, page 2" in admin.get(further).text


@pytest.mark.parametrize("path", ["users", "devices", "clients", "audit-log", "work", "deliveries"])
def test_more_rows_take_no_more_statements(world: World, admin: FlaskClient, path: str) -> None:
    said: list[str] = []

    def note(*given: Any) -> None:
        said.append(given[2])

    def statements() -> int:
        said.clear()
        admin.get(f"/admin/{path}/")
        return len([text for text in said if text.startswith("SELECT")])

    event.listen(world.db.engine, "before_cursor_execute", note)
    few = statements()
    for _ in range(3):
        owned = device(world)
        send(admin, f"/admin/devices/{owned.id}/own/", f"/admin/devices/{owned.id}/",
             manager="ada", start_time="2020-01-01T00:00")  # fmt: skip
        send(admin, "/admin/clients/new/", name=new("x"), grants=["password"])
        webhook(world)
        send(admin, "/admin/users/new/", role="MANAGER", username=new("x"), email="x@a.example")
    statements()  # whatever is remembered by now is
    assert statements() <= few
    event.remove(world.db.engine, "before_cursor_execute", note)
