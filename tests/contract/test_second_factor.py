"""An administrator's second factor: enrolment, the second step of a login, ``otp``, its loss."""

import re
from itertools import count
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.auth import attempts
from core.models import AuditEvent, OAuthToken, RecoveryCode, SecondFactor, WebSession
from core.policy import Actor
from core.services import second_factor, users
from tests.contract.conftest import PASSWORD, World
from tests.contract.test_pages import inside

PATH = "/admin/second-factor/"
NUMBERS = count(1)


def grant(username: str) -> dict[str, str]:
    return {"grant_type": "password", "username": username, "password": PASSWORD}


class Clock:
    """The time of the second factor alone, so that the next code need not be waited for."""

    def __init__(self) -> None:
        self.step = 60_000_000

    def __call__(self) -> int:
        return self.step * second_factor.STEP * 1000 + 7_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(second_factor, "now", made)
    return made


def send(client: FlaskClient, path: str, page: str = PATH, **form: str) -> TestResponse:
    """Post a form as it stands on ``page``."""
    token = re.search(r'name="csrf" value="(\w+)"', client.get(page).text)
    assert token
    return client.post(path, data={**form, "csrf": token[1]})


class Phone:
    """An authenticator app, and the recovery codes that were kept."""

    def __init__(self, world: World, who: str, clock: Clock) -> None:
        self.who, self.user, self.clock = who, world.ids[who], clock
        self.grant = grant(who)
        self.client = client = inside(world, who)
        assert send(client, f"{PATH}begin/", password=PASSWORD).location == PATH
        page = client.get(PATH).text
        self.secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
        assert len(self.secret) == 32
        done = send(client, f"{PATH}confirm/", code=self.code())
        assert done.status_code == 200, done.text
        self.recovery = re.findall(r'<li class="code">([0-9A-Z-]+)</li>', done.text)
        clock.step += 1

    def code(self, shift: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(self.clock.step + shift)


@pytest.fixture
def world(shared: World) -> World:
    return shared


@pytest.fixture
def who(world: World) -> str:
    """An administrator of this test's own."""
    name = f"admin-{next(NUMBERS)}"
    made = world.db.write(lambda s: users.create_administrator(s, name, "a@club.example", PASSWORD))
    world.ids[name] = made.id
    return name


@pytest.fixture
def phone(world: World, who: str, clock: Clock) -> Phone:
    return Phone(world, who, clock)


def log_in(world: World, who: str) -> FlaskClient:
    """A browser in which the password was given and the code is awaited."""
    client = world.client.application.test_client()
    done = send(client, "/login/?next=/oauth2/consents/", "/login/", username=who,
                password=PASSWORD)  # fmt: skip
    assert done.location == "/login/code/?next=/oauth2/consents/"
    return client


def step(client: FlaskClient, code: str) -> TestResponse:
    path = "/login/code/?next=/oauth2/consents/"
    return send(client, path, path, code=code)


def refused(answer: TestResponse, says: str) -> None:
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.text
    assert says in answer.json["error_description"]


def actions(world: World, who: str) -> list[str]:
    """What the audit log has of an account."""
    mine = (AuditEvent.kind == "user", AuditEvent.target_id == world.ids[who])
    rows = select(AuditEvent.action).where(*mine).order_by(AuditEvent.id)
    return list(world.db.read(lambda s: s.scalars(rows).all()))


def factor_of(world: World, who: str) -> SecondFactor | None:
    return world.db.read(lambda s: second_factor.of(s, world.ids[who]))


def test_enrolment(world: World, who: str, clock: Clock) -> None:
    client = inside(world, who)
    assert "Your password" in client.get(PATH).text
    wrong = send(client, f"{PATH}begin/", password="wrong")
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (400, True)
    assert factor_of(world, who) is None
    before = world.login(who)
    phone = Phone(world, who, clock)
    client = phone.client
    assert len(set(phone.recovery)) == second_factor.RECOVERY_CODES
    page = client.get(PATH)  # this browser goes on
    assert "In force" in page.text
    assert phone.secret not in page.text
    assert not any(code in page.text for code in phone.recovery)
    assert world.get("/account/", token=before).status_code == 401
    again = send(client, f"{PATH}begin/", password=PASSWORD)
    assert again.status_code == 409
    assert actions(world, phone.who)[-1] == "user.enable_second_factor"


def test_nothing_is_in_force_before_a_first_code(world: World, who: str, clock: Clock) -> None:
    client = inside(world, who)
    send(client, f"{PATH}begin/", password=PASSWORD)
    first = re.search(r'id="secret">([^<]+)<', client.get(PATH).text)[1]
    assert "<svg" in client.get(PATH).text
    wrong = send(client, f"{PATH}confirm/", code="000000")
    assert (wrong.status_code, "wrong, too old or used" in wrong.text) == (400, True)
    assert first in wrong.text  # the same secret: the app need not be told anew
    assert world.token_request(**grant(who)).status_code == 200
    inside(world, who)
    send(client, f"{PATH}begin/", password=PASSWORD)  # with another
    assert first not in client.get(PATH).text


def test_secrets_are_stored_sealed_or_hashed(world: World, phone: Phone, clock: Clock) -> None:
    factor = factor_of(world, phone.who)
    assert phone.secret not in factor.secret_sealed
    mine = select(RecoveryCode.code_hash).where(RecoveryCode.factor_id == factor.id)
    kept = world.db.read(lambda s: s.scalars(mine).all())
    assert len(kept) == second_factor.RECOVERY_CODES
    assert not set(kept) & {code.replace("-", "") for code in phone.recovery}
    logged = world.db.read(lambda s: [(e.before, e.after) for e in s.scalars(select(AuditEvent))])
    assert phone.secret not in str(logged)


def test_a_login_has_a_second_step(world: World, phone: Phone) -> None:
    client = log_in(world, phone.who)
    assert client.get("/admin/second-factor/").location.startswith("/login/")  # nobody yet
    form = client.get("/login/code/").text
    assert 'autocomplete="one-time-code"' in form
    wrong = step(client, "000000")
    assert (wrong.status_code, "This code is wrong" in wrong.text) == (400, True)
    done = step(client, f" {phone.code()[:3]} {phone.code()[3:]} ")
    assert (done.status_code, done.location) == (303, "/oauth2/consents/")
    assert client.get(PATH).status_code == 200
    assert client.get("/login/code/").location == "/login/?next=/"  # nothing is owed any more


def test_the_second_step_gets_another_session(world: World, phone: Phone) -> None:
    client = log_in(world, phone.who)
    before = client.get_cookie("touchline").value
    step(client, phone.code())
    assert client.get_cookie("touchline").value != before
    client.set_cookie("touchline", before)
    assert client.get(PATH).location.startswith("/login/")


def test_the_second_step_waits_ten_minutes(world: World, phone: Phone) -> None:
    client = log_in(world, phone.who)

    def later(session: Any) -> None:
        row = session.scalars(select(WebSession).where(WebSession.awaits_code)).one()
        row.expires -= 10 * 60_000

    world.db.write(later)
    assert client.get("/login/code/?next=/admin/").location == "/login/?next=/admin/"


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_code_is_good_once_and_none_before_it(
    world: World, phone: Phone, clock: Clock, shift: int
) -> None:
    clock.step += 5
    code = phone.code(shift)
    assert world.token_request(**phone.grant, otp=code).status_code == 200
    refused(world.token_request(**phone.grant, otp=code), "used already")
    refused(world.token_request(**phone.grant, otp=phone.code(shift - 1)), "used already")
    wrong = step(log_in(world, phone.who), code)
    assert wrong.status_code == 400


@pytest.mark.parametrize("shift", [-2, 2])
def test_a_code_of_another_time_is_none(
    world: World, phone: Phone, clock: Clock, shift: int
) -> None:
    clock.step += 5
    refused(world.token_request(**phone.grant, otp=phone.code(shift)), "wrong, too old")


def test_the_password_grant_asks_for_otp(world: World, phone: Phone) -> None:
    refused(world.token_request(**phone.grant), "send its current code as otp")
    refused(world.token_request(**phone.grant, otp="12345"), "The code in otp is wrong")
    wrong = world.token_request(**{**phone.grant, "password": "wrong"}, otp=phone.code())
    refused(wrong, "The username or the password is wrong.")  # and the code is not used up
    given = world.token_request(**phone.grant, otp=phone.code())
    assert given.status_code == 200
    renewed = world.token_request(
        grant_type="refresh_token", refresh_token=given.json["refresh_token"]
    )
    assert renewed.status_code == 200
    other = {**phone.grant, "username": "ada"}
    assert world.token_request(**other).status_code == 200  # nothing is asked of who has none
    assert world.token_request(**other, otp="123456").status_code == 200


def test_recovery_codes_are_good_once_each(world: World, phone: Phone) -> None:
    first, second = phone.recovery[:2]
    assert world.token_request(**phone.grant, otp=first.lower()).status_code == 200
    refused(world.token_request(**phone.grant, otp=first), "used already")
    assert step(log_in(world, phone.who), second.replace("-", " ")).status_code == 303
    assert actions(world, phone.who)[-2:] == ["user.use_recovery_code"] * 2
    page = phone.client.get(PATH).text
    assert "Recovery codes left: 8 of 10" in page
    made = send(phone.client, f"{PATH}recovery-codes/", code=phone.code())
    assert made.status_code == 200
    fresh = re.findall(r'<li class="code">([0-9A-Z-]+)</li>', made.text)
    assert len(set(fresh) - set(phone.recovery)) == 10
    refused(world.token_request(**phone.grant, otp=phone.recovery[5]), "wrong")
    assert world.token_request(**phone.grant, otp=fresh[5]).status_code == 200
    assert actions(world, phone.who)[-2] == "user.renew_recovery_codes"


def test_guessing_codes_is_slow_though_the_password_is_right(world: World, phone: Phone) -> None:
    for _ in range(attempts.CODES_PER_ACCOUNT):
        refused(world.token_request(**phone.grant, otp="000000"), "wrong")
    stopped = world.token_request(**phone.grant, otp=phone.code())
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= attempts.WINDOW_SECONDS
    page = step(log_in(world, phone.who), phone.code())
    assert (page.status_code, "too many attempts" in page.text) == (429, True)
    form = {"password": PASSWORD, "code": phone.code()}
    assert send(phone.client, f"{PATH}disable/", **form).status_code == 429
    assert send(phone.client, f"{PATH}recovery-codes/", code=phone.code()).status_code == 429


def test_disabling_takes_password_and_code(world: World, phone: Phone, clock: Clock) -> None:
    path = f"{PATH}disable/"
    for form in ({"password": "wrong", "code": phone.code()}, {"password": PASSWORD, "code": "1"}):
        assert send(phone.client, path, **form).status_code == 400
        assert factor_of(world, phone.who).confirmed
    done = send(phone.client, path, password=PASSWORD, code=phone.code())
    assert (done.status_code, done.location) == (303, PATH)
    assert world.token_request(**phone.grant).status_code == 200
    assert factor_of(world, phone.who) is None
    assert actions(world, phone.who)[-1] == "user.disable_second_factor"


def test_the_operator_takes_it_away(world: World, phone: Phone) -> None:
    token, user = world.login(phone.who), phone.user
    reset = world.db.write(lambda s: second_factor.disable(s, Actor.operator(), user))
    assert reset is True
    assert phone.client.get(PATH).location.startswith("/login/")  # who was in is out
    rows = select(OAuthToken).where(OAuthToken.user_id == user, OAuthToken.revoked.is_(None))
    assert world.db.read(lambda s: s.scalars(rows).all()) == []
    assert world.get("/account/", token=token).status_code == 401
    assert world.token_request(**phone.grant).status_code == 200
    again = world.db.write(lambda s: second_factor.disable(s, Actor.operator(), user))
    assert again is False


def test_under_another_key_no_code_is_good(world: World, phone: Phone) -> None:
    def spoil(session: Any) -> None:
        second_factor.of(session, phone.user).secret_sealed = "sealed otherwise"

    world.db.write(spoil)
    refused(world.token_request(**phone.grant, otp=phone.code()), "wrong")
    assert world.token_request(**phone.grant, otp=phone.recovery[0]).status_code == 200


def test_for_administrators_only(world: World) -> None:
    assert world.client.get(PATH).location == f"/login/?next={PATH}"
    for username in ("ada", "noe"):
        client = inside(world, username)
        for path in (PATH, f"{PATH}begin/"):
            page = send(client, path, "/oauth2/consents/") if path != PATH else client.get(path)
            assert (page.status_code, "For administrators" in page.text) == (403, True)


@pytest.mark.parametrize("path", ["begin/", "confirm/", "recovery-codes/", "disable/"])
def test_forms_of_other_sites_do_nothing(world: World, who: str, path: str) -> None:
    client = inside(world, who)
    answer = client.post(f"{PATH}{path}", data={"password": PASSWORD, "csrf": "x"})
    assert (answer.status_code, "This form has expired" in answer.text) == (400, True)
