"""The authorization code grant, its pages, and what must not be had from them.

The negative tests are a table against RFC 6749, RFC 7636 and RFC 9700, named in each case.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from core.auth import attempts
from core.clock import now
from core.models import AuthorizationCode, Consent, OAuthClient, OAuthToken, WebSession
from core.policy import Actor
from core.services import clients
from tests.contract.conftest import PASSWORD, World

CALLBACK = "https://ams.example/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().strip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
AUTHORIZE = "/oauth2/authorize/"


def form_token(answer: TestResponse) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', answer.text)
    assert found, answer.text
    return found[1]


@dataclass
class Browser:
    """A browser with its own cookies, and the two clients that send people to it."""

    world: World
    ams: OAuthClient
    secret: str
    app: OAuthClient
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.world.client.application.test_client()

    def log_in(self, username: str = "noe", password: str = PASSWORD, **query: str) -> TestResponse:
        token = form_token(self.client.get("/login/"))
        form = {"username": username, "password": password, "csrf": token}
        return self.client.post("/login/", query_string=query, data=form)

    def ask(self, **changes: Any) -> TestResponse:
        return self.client.get(AUTHORIZE, query_string=self.query(**changes))

    def query(self, **changes: Any) -> dict[str, Any]:
        """A good request of the client with a secret; None leaves a parameter out."""
        asked = {
            "response_type": "code",
            "client_id": self.ams.client_id,
            "redirect_uri": CALLBACK,
            "scope": "read",
            "state": "a b&c",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def decide(self, decision: str = "allow", **changes: Any) -> TestResponse:
        """Ask, then answer the consent page."""
        page = self.ask(**changes)
        assert page.status_code == 200, page.text
        form = {"csrf": form_token(page), "decision": decision}
        return self.client.post(AUTHORIZE, query_string=self.query(**changes), data=form)

    def code(self, **changes: Any) -> str:
        return back(self.decide(**changes))["code"]

    def exchange(self, given: str, public: bool = False, **changes: Any) -> TestResponse:
        form = {"grant_type": "authorization_code", "code": given, "redirect_uri": CALLBACK}
        auth = None if public else (self.ams.client_id, self.secret)
        if public:
            form |= {"client_id": self.app.client_id, "code_verifier": VERIFIER}
        form = {name: value for name, value in (form | changes).items() if value is not None}
        return self.world.client.post("/oauth2/token/", data=form, auth=auth)

    def introspect(self, token: str) -> dict[str, Any]:
        answer = self.world.client.post(
            "/oauth2/introspect/", data={"token": token}, auth=(self.ams.client_id, self.secret)
        )
        assert answer.status_code == 200, answer.text
        return answer.json


def back(answer: TestResponse) -> dict[str, str]:
    """What the client gets at its redirect URI."""
    assert answer.status_code == 302, answer.text
    to = urlsplit(answer.location)
    assert f"{to.scheme}://{to.netloc}{to.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(to.query).items()}


def refused(answer: TestResponse, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.text


@pytest.fixture
def browser(world: World) -> Browser:
    def register(session: Any) -> Any:
        code = ["authorization_code"]
        ams = clients.create(
            session, Actor.operator(), "Club AMS", code, [CALLBACK], owner="AMS Ltd, Bern"
        )
        return *ams, clients.create(
            session, Actor.operator(), "Phone app", code, [CALLBACK, "club.app:/cb"], public=True
        )[0]

    return Browser(world, *world.db.write(register))


@pytest.fixture
def inside(browser: Browser) -> Browser:
    assert browser.log_in().status_code == 303
    return browser


def count(world: World, model: Any) -> int:
    return world.db.read(lambda s: s.scalar(select(func.count()).select_from(model)))


def test_the_whole_way(browser: Browser) -> None:
    first = browser.ask()
    assert first.status_code == 303
    target = parse_qs(urlsplit(first.location).query)["next"][0]
    logged_in = browser.log_in(next=target)
    assert (logged_in.status_code, logged_in.location) == (303, target)
    page = browser.client.get(target)
    assert page.status_code == 200
    for words in ("Club AMS", "AMS Ltd, Bern", "ams.example", "your time frames", "change nothing"):
        assert words in page.text
    form = {"csrf": form_token(page), "decision": "allow"}
    given = back(browser.client.post(target, data=form))
    assert given["state"] == "a b&c"
    assert given["iss"] == "http://localhost"
    answer = browser.exchange(given["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json["access_token"]
    assert answer.json["scope"] == "read"
    assert browser.world.get("/account/", token=token).json["username"] == "noe"
    told = browser.introspect(token)
    assert told.keys() == {
        "active", "scope", "client_id", "username", "sub", "iat", "exp", "token_type"
    }  # fmt: skip
    assert (told["active"], told["client_id"]) == (True, browser.ams.client_id)
    assert told["sub"] == str(browser.world.ids["noe"])
    refresh = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"]}
    auth = (browser.ams.client_id, browser.secret)
    renewed = browser.world.client.post("/oauth2/token/", data=refresh, auth=auth)
    assert renewed.json["scope"] == "read"
    assert browser.introspect(token) == {"active": False}
    assert browser.introspect(renewed.json["refresh_token"])["active"] is True
    assert browser.introspect(renewed.json["access_token"])["active"] is True
    again = browser.world.client.post("/oauth2/token/", data=refresh, auth=auth)
    refused(again, "invalid_grant")
    assert browser.introspect(renewed.json["access_token"]) == {"active": False}


def test_denial_goes_back_and_leaves_nothing(inside: Browser) -> None:
    said = back(inside.decide("deny"))
    assert (said["error"], said["state"]) == ("access_denied", "a b&c")
    assert count(inside.world, AuthorizationCode) == count(inside.world, Consent) == 0


def test_consent_is_remembered_until_it_is_withdrawn(inside: Browser) -> None:
    token = inside.exchange(inside.code()).json["access_token"]
    assert "code" in back(inside.ask())  # no page this time
    assert inside.ask(scope="all").status_code == 200  # more than was allowed: asked again
    page = inside.client.get("/oauth2/consents/")
    assert "Club AMS" in page.text
    withdraw = f"/oauth2/consents/{inside.ams.id}/withdraw/"
    assert inside.client.post(withdraw).status_code == 400
    done = inside.client.post(withdraw, data={"csrf": form_token(page)})
    assert (done.status_code, done.location) == (303, "/oauth2/consents/")
    assert inside.world.get("/account/", token=token).status_code == 401
    assert inside.ask().status_code == 200
    assert "Club AMS" not in inside.client.get("/oauth2/consents/").text
    token = form_token(inside.client.get("/oauth2/consents/"))
    assert inside.client.post(withdraw, data={"csrf": token}).status_code == 404


def test_looking_at_the_head_of_a_page_allows_nothing(inside: Browser) -> None:
    answer = inside.client.head(AUTHORIZE, query_string=inside.query())
    assert answer.status_code == 200
    assert count(inside.world, Consent) == 0


def test_a_public_client_is_asked_for_each_time_and_needs_pkce(inside: Browser) -> None:
    public = {"client_id": inside.app.client_id, **PKCE}
    assert inside.exchange(inside.code(**public), public=True).status_code == 200
    assert inside.ask(**public).status_code == 200
    page = inside.ask(**public, redirect_uri="club.app:/cb")
    assert "form-action 'self' club.app:;" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"client_id": "unknown"}, id="an unknown client"),
        pytest.param({"redirect_uri": None}, id="no redirect URI"),
        pytest.param({"redirect_uri": ""}, id="an empty one"),
        *(
            pytest.param({"redirect_uri": uri}, id=f"RFC 9700 section 4.1: {uri}")
            for uri in (
                "https://evil.example/cb",
                CALLBACK + "/",
                CALLBACK + "?x=1",
                CALLBACK + "#f",
                CALLBACK + "/../../evil",
                "https://ams.example/CB",
                "http://ams.example/cb",
                "https://ams.example:443/cb",
                "https://ams.example.evil.example/cb",
                "https://ams.example@evil.example/cb",
                "https://evil.example\\@ams.example/cb",
                "https://sub.ams.example/cb",
                "//ams.example/cb",
                "/cb",
                "javascript:alert(1)",
                "club.app:/cb",
                CALLBACK + " https://evil.example/cb",
                "https://ams.example/cb%0d%0aX: y",
            )
        ),
        pytest.param({"redirect_uri": [CALLBACK, "https://evil.example/cb"]}, id="two of them"),
        pytest.param({"client_id": ["a", "b"]}, id="two clients"),
        pytest.param({"state": ["a", "b"]}, id="RFC 6749 section 3.1: two states"),
    ],
)
def test_what_is_a_page_and_never_a_redirect(inside: Browser, changes: dict[str, Any]) -> None:
    answer = inside.ask(**changes)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert answer.location is None
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),  # RFC 9700 section 2.1.2
        ({"response_type": None}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({**PKCE, "code_challenge_method": "plain"}, "invalid_request"),  # RFC 7636 section 7.2
        ({**PKCE, "code_challenge_method": None}, "invalid_request"),  # would mean plain
        ({**PKCE, "code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"client_id": "app"}, "invalid_request"),  # RFC 9700 section 2.1.1: no PKCE
        ({"client_id": "app", **PKCE, "code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_what_goes_back_as_an_error(inside: Browser, changes: dict[str, Any], error: str) -> None:
    if changes.get("client_id") == "app":
        changes = changes | {"client_id": inside.app.client_id}
    said = back(inside.ask(**changes))
    assert said["error"] == error
    assert (said["state"], said["iss"]) == ("a b&c", "http://localhost")


def test_a_client_of_another_grant_gets_no_code(inside: Browser) -> None:
    def give(session: Any) -> None:
        session.get_one(OAuthClient, inside.world.oauth.id).redirect_uris = [CALLBACK]

    inside.world.db.write(give)
    said = back(inside.ask(client_id=inside.world.oauth.client_id))
    assert said["error"] == "unauthorized_client"


def test_a_code_that_comes_back_ends_what_it_brought_forth(inside: Browser) -> None:
    """RFC 6749 section 4.1.2, RFC 9700 section 4.5."""
    code = inside.code()
    token = inside.exchange(code).json["access_token"]
    assert inside.world.get("/account/", token=token).status_code == 200
    refused(inside.exchange(code), "invalid_grant")
    assert inside.world.get("/account/", token=token).status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),  # RFC 7636 section 4.6
        ({"code_verifier": CHALLENGE}, "invalid_grant"),  # the challenge itself: plain
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": None}, "invalid_request"),  # RFC 9700 section 4.8.2: downgrade
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
    ],
)
def test_a_bad_exchange(inside: Browser, changes: dict[str, Any], error: str) -> None:
    code = inside.code(client_id=inside.app.client_id, **PKCE)
    refused(inside.exchange(code, public=True, **changes), error)
    assert count(inside.world, OAuthToken) == 0
    assert inside.exchange(code, public=True).status_code == 200


def test_a_verifier_for_no_challenge_is_refused(inside: Browser) -> None:
    """RFC 9700 section 4.8.2: PKCE downgrade by a stripped challenge."""
    refused(inside.exchange(inside.code(), code_verifier=VERIFIER), "invalid_request")


def test_mixed_clients(inside: Browser) -> None:
    """A code is for the client that it was given to, and a secret may not be left out."""
    of_app = inside.code(client_id=inside.app.client_id, **PKCE)
    refused(inside.exchange(of_app, code_verifier=VERIFIER), "invalid_grant")
    of_ams = inside.code()
    refused(inside.exchange(of_ams, public=True), "invalid_grant")
    unproven = inside.exchange(of_ams, public=True, client_id=inside.ams.client_id)
    refused(unproven, "invalid_client", 401)
    wrong = inside.world.client.post(
        "/oauth2/token/",
        data={"grant_type": "authorization_code", "code": of_ams, "redirect_uri": CALLBACK},
        auth=(inside.ams.client_id, "wrong"),
    )
    refused(wrong, "invalid_client", 401)
    assert inside.exchange(of_ams).status_code == 200


def test_a_code_is_good_for_ten_minutes(inside: Browser) -> None:
    code = inside.code()
    row = inside.world.db.read(lambda s: s.scalars(select(AuthorizationCode)).one())
    assert code not in (row.code_hash, row.family)
    assert 590_000 < row.expires - now() <= 600_000
    inside.world.db.write(lambda s: s.execute(update(AuthorizationCode).values(expires=1)))
    refused(inside.exchange(code), "invalid_grant")


def test_introspection_tells_a_client_of_its_own_tokens_only(inside: Browser) -> None:
    """RFC 7662 section 4."""
    assert inside.introspect(inside.world.login("noe")) == {"active": False}
    assert inside.introspect("unknown") == {"active": False}
    path, auth = "/oauth2/introspect/", (inside.ams.client_id, inside.secret)
    client = inside.world.client
    refused(client.post(path, data={}, auth=auth), "invalid_request")
    refused(client.post(path, data={"token": "x"}), "invalid_client", 401)
    public = {"token": "x", "client_id": inside.app.client_id}
    refused(client.post(path, data=public), "invalid_client", 401)


def test_metadata(browser: Browser) -> None:
    said = browser.client.get("/.well-known/oauth-authorization-server").json
    assert said["issuer"] == "http://localhost"
    assert said["code_challenge_methods_supported"] == ["S256"]
    paths = [rule.rule for rule in browser.client.application.url_map.iter_rules()]
    ends = [value for name, value in said.items() if name.endswith("_endpoint")]
    assert len(ends) == 4
    assert all(urlsplit(end).path in paths for end in ends)


def test_a_token_in_the_query_is_none(world: World) -> None:
    """RFC 6750 section 2.3, RFC 9700 section 4.3.2."""
    token = world.login("noe")
    assert world.get(f"/account/?access_token={token}").status_code == 401


# --- The pages themselves


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/a\tb",
        "/a\r\nX: y",
        "javascript:alert(1)",
        "login",
        "",
    ],
)
def test_login_leads_nowhere_else(browser: Browser, target: str) -> None:
    assert browser.log_in(next=target).location == "/"
    assert browser.client.get("/login/", query_string={"next": target}).location == "/"


def test_login_changes_the_cookie_and_logout_ends_it(browser: Browser) -> None:
    """Session fixation: what the browser held before means nothing after."""
    planted = "p" * 43
    browser.client.set_cookie("touchline", planted)
    answer = browser.log_in()
    header = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(header.split("; "))
    held = browser.client.get_cookie("touchline").value
    assert held != planted
    assert "Log out" in browser.client.get("/oauth2/consents/").text
    other = browser.world.client.application.test_client()
    other.set_cookie("touchline", planted)
    assert other.get("/oauth2/consents/").status_code == 303
    assert browser.client.post("/logout/").status_code == 400
    token = form_token(browser.client.get("/oauth2/consents/"))
    assert browser.client.post("/logout/", data={"csrf": token}).status_code == 303
    assert browser.client.get_cookie("touchline") is None
    other.set_cookie("touchline", held)
    assert other.get("/oauth2/consents/").status_code == 303


def test_a_session_ends_by_itself_and_with_its_account(inside: Browser) -> None:
    inside.world.db.write(lambda s: s.execute(update(WebSession).values(expires=1)))
    assert inside.client.get("/oauth2/consents/").status_code == 303
    assert inside.log_in().status_code == 303
    assert count(inside.world, WebSession) == 1  # the one that had ended is gone
    row = inside.world.db.read(lambda s: s.scalars(select(WebSession)).one())
    assert row.user_id == inside.world.ids["noe"]
    assert inside.client.get_cookie("touchline").value not in row.token_hash


def test_behind_tls_the_cookie_is_secure(browser: Browser) -> None:
    answer = browser.client.get("/login/", base_url="https://touchline.example")
    header = answer.headers["Set-Cookie"]
    assert header.startswith("__Host-touchline=")
    assert "Secure" in header.split("; ")


@pytest.mark.parametrize("token", ["", "0" * 64, "other", "\u00e9"])
def test_no_form_without_its_token(inside: Browser, token: str) -> None:
    """CSRF, on consent above all; another browser's token is none."""
    if token == "other":
        stranger = Browser(inside.world, inside.ams, inside.secret, inside.app)
        token = form_token(stranger.client.get("/login/"))
    form = {"csrf": token, "decision": "allow"}
    answer = inside.client.post(AUTHORIZE, query_string=inside.query(), data=form)
    assert (answer.status_code, answer.location) == (400, None)
    answer = inside.client.post("/login/", data={**form, "username": "noe", "password": PASSWORD})
    assert answer.status_code == 400
    assert count(inside.world, Consent) == 0


def test_a_decision_is_one_of_two(inside: Browser) -> None:
    form = {"csrf": form_token(inside.ask()), "decision": "maybe"}
    answer = inside.client.post(AUTHORIZE, query_string=inside.query(), data=form)
    assert (answer.status_code, answer.location) == (400, None)


def test_headers_of_every_page(inside: Browser) -> None:
    """Clickjacking (RFC 6749 section 10.13), and what pages may load and tell."""
    for answer in (
        inside.client.get("/login/?next=/x"),
        inside.ask(),
        inside.ask(client_id="unknown"),
        inside.client.get("/oauth2/consents/"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script|<style|style=|\son\w+=|(src|href)=.?http", answer.text)
    assert (
        "form-action 'self' https://ams.example;" in inside.ask().headers["Content-Security-Policy"]
    )


def test_names_are_text(inside: Browser) -> None:
    def rename(session: Any) -> None:
        session.get_one(OAuthClient, inside.ams.id).name = "<b>x</b>"

    inside.world.db.write(rename)
    page = inside.ask().text
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_guessing_is_slow(browser: Browser, redis_url: str) -> None:
    """By account, for the page and the password grant together; a right password in time takes
    the count back.
    """
    for _ in range(attempts.PER_ACCOUNT - 1):
        answer = browser.log_in("lea", "wrong")
        assert answer.status_code == 400
        assert "The username or the password is wrong." in answer.text
    assert browser.log_in("lea").status_code == 303
    grant = {"grant_type": "password", "username": "ben", "password": "wrong"}
    for _ in range(attempts.PER_ACCOUNT):
        refused(browser.world.token_request(**grant), "invalid_grant")
    stranger = Browser(browser.world, browser.ams, browser.secret, browser.app)
    stopped = stranger.log_in("ben")  # the right password, too late
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= attempts.WINDOW_SECONDS
    assert "too many attempts" in stopped.text
    assert browser.world.token_request(**grant).status_code == 429


def test_an_address_is_stopped_too(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", 3)
    for number in range(3):
        assert browser.log_in(f"nobody{number}", "wrong").status_code == 400
    assert browser.log_in("lea").status_code == 429


def test_without_redis_people_still_log_in(browser: Browser, caplog: Any) -> None:
    nowhere = redis.Redis(unix_socket_path="/nowhere/at/all.sock")
    browser.client.application.extensions["touchline-auth"].attempts = attempts.Attempts(nowhere)
    assert browser.log_in("lea", "wrong").status_code == 400
    assert browser.log_in("lea").status_code == 303
