"""The token endpoint and revocation: what works, and every refusal as RFC 6749 words it."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from core import clock
from core.auth import passwords, tokens
from core.models import OAuthToken, User
from core.policy import Actor
from core.services import clients
from tests.contract.conftest import PASSWORD, World


def password_grant(world: World, **more: str):
    return world.token_request(grant_type="password", username="ada", password=PASSWORD, **more)


def refresh(world: World, token: str):
    return world.token_request(grant_type="refresh_token", refresh_token=token)


def revoke(world: World, token: str, **more: str):
    return world.client.post(
        "/oauth2/revoke-token/",
        data={"token": token, **more},
        auth=(world.oauth.client_id, world.oauth_secret),
    )


def status(world: World, token: str) -> int:
    return world.get("/account/", token=token).status_code


def refused(answer, code: int, error: str) -> None:
    assert (answer.status_code, answer.json["error"]) == (code, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_for_a_password(world: World) -> None:
    answer = password_grant(world)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert set(body) == {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert (body["expires_in"], body["token_type"], body["scope"]) == (36000, "Bearer", "all")
    assert status(world, body["access_token"]) == 200
    assert status(world, body["refresh_token"]) == 401


def test_a_hash_of_older_parameters_is_made_anew_at_login(world: World) -> None:
    weak = passwords.argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    def stored(session) -> str:
        return session.get_one(User, world.ids["ada"]).password_hash

    def weaken(session) -> None:
        session.get_one(User, world.ids["ada"]).password_hash = weak.hash(PASSWORD)

    world.db.write(weaken)
    assert passwords.needs_rehash(world.db.read(stored))
    assert password_grant(world).status_code == 200
    assert not passwords.needs_rehash(world.db.read(stored))
    assert password_grant(world).status_code == 200


def test_the_client_may_stand_in_the_form(world: World) -> None:
    form = {
        "grant_type": "password",
        "username": "ada",
        "password": PASSWORD,
        "client_id": world.oauth.client_id,
        "client_secret": world.oauth_secret,
    }
    for path in ("/oauth2/token/", "/oauth2/token"):
        assert world.client.post(path, data=form).status_code == 200
    refused(world.client.post("/oauth2/token/", json=form), 400, "invalid_request")
    form["client_secret"] = "wrong"
    refused(world.client.post("/oauth2/token/", data=form), 401, "invalid_client")


def test_nothing_is_stored_in_the_clear(world: World) -> None:
    body = password_grant(world).json
    rows = world.db.read(lambda s: s.execute(select(OAuthToken.__table__)).mappings().all())
    stored = repr(rows) + repr(
        world.db.read(lambda s: s.execute(select(User.__table__)).mappings().all())
    )
    for secret in (body["access_token"], body["refresh_token"], PASSWORD, world.oauth_secret):
        assert secret not in stored


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "telepathy"}, "unsupported_grant_type"),
        ({"grant_type": "télépathie \x00"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "ada"}, "invalid_request"),
        ({"grant_type": "password", "password": PASSWORD}, "invalid_request"),
        ({"grant_type": "password", "username": "ada", "password": "x"}, "invalid_grant"),
        ({"grant_type": "password", "username": "no", "password": PASSWORD}, "invalid_grant"),
        ({"grant_type": "password", "username": "a\x00", "password": "\x00"}, "invalid_grant"),
        ({"grant_type": "password", "username": "ada", "password": PASSWORD, "scope": "mind"},
         "invalid_scope"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
    ],
)  # fmt: skip
def test_refusals(world: World, form, error) -> None:
    refused(world.token_request(**form), 400, error)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"nobody:secret").decode(),
        "Basic " + base64.b64encode(b"a\x00b:secret").decode(),
        "Bearer x",
    ],
)
def test_an_unknown_client_is_refused(world: World, header) -> None:
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    headers = {"Authorization": header} if header else {}
    answer = world.client.post("/oauth2/token/", data=form, headers=headers)
    refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    refused(
        world.client.post("/oauth2/revoke-token/", data={"token": "x"}, headers=headers),
        401,
        "invalid_client",
    )


def test_parameters_come_once_and_in_the_body(world: World) -> None:
    auth = (world.oauth.client_id, world.oauth_secret)
    twice = "grant_type=password&grant_type=password&username=ada&password=x"
    form = "application/x-www-form-urlencoded"
    refused(
        world.client.post("/oauth2/token/", data=twice, auth=auth, content_type=form),
        400,
        "invalid_request",
    )
    query = f"grant_type=password&username=ada&password={PASSWORD}"
    refused(world.client.post(f"/oauth2/token/?{query}", auth=auth), 400, "invalid_request")


def test_a_client_uses_the_grants_that_it_is_registered_with(world: World) -> None:
    other, secret = world.db.write(
        lambda s: clients.create(
            s, Actor.operator(), "pages", ["authorization_code"], ["https://club.example/cb"]
        )
    )
    assert secret is not None
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    answer = world.client.post("/oauth2/token/", data=form, auth=(other.client_id, secret))
    refused(answer, 400, "unauthorized_client")
    body = password_grant(world).json
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    answer = world.client.post("/oauth2/token/", data=form, auth=(other.client_id, secret))
    refused(answer, 400, "invalid_grant")  # another client's token
    form = {"token": body["access_token"]}
    answer = world.client.post("/oauth2/revoke-token/", data=form, auth=(other.client_id, secret))
    refused(answer, 400, "invalid_grant")
    assert status(world, body["access_token"]) == 200


def test_a_public_client_has_no_secret(world: World) -> None:
    public, secret = world.db.write(
        lambda s: clients.create(s, Actor.operator(), "app", ["password"], public=True)
    )
    assert secret is None
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    answer = world.client.post("/oauth2/token/", data=form | {"client_id": public.client_id})
    assert answer.status_code == 200
    answer = world.client.post("/oauth2/token/", data=form | {"client_id": world.oauth.client_id})
    refused(answer, 401, "invalid_client")  # a client with a secret must show it


def test_plain_http_is_for_loopback_only(world: World) -> None:
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    auth = (world.oauth.client_id, world.oauth_secret)
    for base, code in (
        ("http://localhost", 200),
        ("http://127.0.0.1:8000", 200),
        ("https://club.example", 200),
        ("http://club.example", 400),
    ):
        answer = world.client.post("/oauth2/token/", data=form, auth=auth, base_url=base)
        assert answer.status_code == code, base
    refused(answer, 400, "insecure_transport")


def test_a_refresh_rotates(world: World) -> None:
    first = password_grant(world).json
    assert status(world, first["access_token"]) == 200
    second = refresh(world, first["refresh_token"]).json
    assert set(second) == set(first)
    assert {first["access_token"], first["refresh_token"]}.isdisjoint(map(str, second.values()))
    assert status(world, second["access_token"]) == 200
    assert status(world, first["access_token"]) == 401
    assert refresh(world, second["refresh_token"]).status_code == 200


def test_a_spent_refresh_token_ends_its_family(world: World) -> None:
    other = password_grant(world).json
    first = password_grant(world).json
    second = refresh(world, first["refresh_token"]).json
    assert status(world, second["access_token"]) == 200
    refused(refresh(world, first["refresh_token"]), 400, "invalid_grant")
    assert status(world, second["access_token"]) == 401
    refused(refresh(world, second["refresh_token"]), 400, "invalid_grant")
    assert status(world, other["access_token"]) == 200


def test_of_two_refreshes_at_once_one_wins_at_most(world: World) -> None:
    token = password_grant(world).json["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        codes = sorted(
            answer.status_code for answer in pool.map(lambda _: refresh(world, token), range(4))
        )
    assert codes == [200, 400, 400, 400]


def test_a_scope_narrows_and_does_not_grow_again(world: World) -> None:
    narrow = password_grant(world, scope="read").json
    assert narrow["scope"] == "read"
    token = narrow["access_token"]
    assert status(world, token) == 200
    ada = world.ids["ada"]
    assert world.get(f"/managers/{ada}/", token=token).status_code == 200
    body = {"username": "ada", "email": "new@club.example"}
    assert world.put(f"/managers/{ada}/", token=token, json=body).status_code == 403
    wider = world.token_request(
        grant_type="refresh_token", refresh_token=narrow["refresh_token"], scope="all"
    )
    refused(wider, 400, "invalid_scope")
    assert refresh(world, narrow["refresh_token"]).json["scope"] == "read"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_is_seen_at_once(world: World, which) -> None:
    body = password_grant(world).json
    assert status(world, body["access_token"]) == 200
    answer = revoke(world, body[which], token_type_hint="access_token")
    assert (answer.status_code, answer.data) == (200, b"")
    assert status(world, body["access_token"]) == 401
    refused(refresh(world, body["refresh_token"]), 400, "invalid_grant")
    assert revoke(world, body[which]).status_code == 200
    assert revoke(world, "unknown").status_code == 200


def test_revoking_needs_a_token(world: World) -> None:
    answer = world.client.post(
        "/oauth2/revoke-token/", data={}, auth=(world.oauth.client_id, world.oauth_secret)
    )
    refused(answer, 400, "invalid_request")


def test_a_revocation_elsewhere_is_seen_within_five_seconds(world: World, monkeypatch) -> None:
    body = password_grant(world).json
    assert status(world, body["access_token"]) == 200
    row = world.db.read(lambda s: s.scalars(select(OAuthToken)).one())
    world.db.write(lambda s: tokens.revoke_family(s, row.family))  # as another process would
    later = tokens.time.monotonic() + tokens.CACHE_SECONDS + 0.01
    monkeypatch.setattr(tokens.time, "monotonic", lambda: later)
    assert status(world, body["access_token"]) == 401


def test_a_token_ends_by_itself(world: World, monkeypatch) -> None:
    body = password_grant(world).json
    assert status(world, body["access_token"]) == 200
    end = clock.now() + 36_000_000
    monkeypatch.setattr(tokens.clock, "now", lambda: end)
    assert status(world, body["access_token"]) == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic eDp5", "Bearer \xff", "x y z"])
def test_what_is_no_bearer_token(world: World, header) -> None:
    answer = world.get("/account/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_client_is_not_two_clients(world: World) -> None:
    """RFC 6749 section 2.3: the header and the form may not speak of different clients."""
    own = world.oauth.client_id, world.oauth_secret
    assert password_grant(world, client_id=own[0], client_secret=own[1]).status_code == 200
    refused(password_grant(world, client_id="another"), 400, "invalid_request")
    refused(password_grant(world, client_secret="another"), 400, "invalid_request")
    refused(revoke(world, "x", client_id="another"), 400, "invalid_request")
    answer = world.client.post("/oauth2/token/", json={"grant_type": "password"}, auth=own)
    refused(answer, 400, "invalid_request")
    assert "x-www-form-urlencoded" in answer.json["error_description"]
