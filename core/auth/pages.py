"""The pages by which people let clients in: login, consent, and taking consent back.

contract/touchline.md section 10: a bad or missing redirect URI or an unknown client is a page with
status 400, never a redirect; every other refusal goes back to the client (RFC 6749 section 4.1.2).
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Flask, Response, redirect, request, url_for

from core.auth import browser, code, web
from core.auth.server import Client, Server, issuer
from core.errors import BadInput, NotFound, TooManyRequests
from core.models import OAuthClient, User
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER

pages = web.blueprint(
    "pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)

# What a client may do with a user's account, in words: by role, then by what the scope adds.
READS = {
    MANAGER: (
        "your name, email address and activities",
        "your devices and the samples that they recorded while you owned them",
        "the profiles and results of athletes who let you read them",
    ),
    ATHLETE: (
        "your profile: name, date of birth, weight, height",
        "your time frames, samples and results",
        "who may read your data, and who did",
    ),
    ADMINISTRATOR: (
        "every account, device, client and change on this platform",
        "the data of every athlete; each such read is logged",
    ),
}
CHANGES = {
    MANAGER: (
        "create, change and delete your activities, time frames and teams",
        "take, name and release devices; add samples and files",
    ),
    ATHLETE: (
        "change your profile, and delete it with your data",
        "let managers read your data, and take that back",
    ),
    ADMINISTRATOR: ("change accounts, devices and clients as you can",),
}


@pages.route("/login/", methods=["GET", "POST"])
def login() -> Any:
    target = web.local(request.args.get("next"))
    if request.method != "POST":
        return redirect(target, 303) if web.visitor() else _login_form(target)
    username, password = (request.form.get(name, "") for name in ("username", "password"))
    try:
        user = web.server().log_in(username, password)
    except TooManyRequests as error:
        return _login_form(target, error.status, f"There were {error.detail}.", username)
    if user is None:
        return _login_form(target, 400, "The username or the password is wrong.", username)
    if web.server().needs_code(user):
        web.begin(user, awaits_code=True)
        return redirect(url_for("pages.login_code", next=target), 303)
    return web.log_in(user, target)


@pages.route("/login/code/", methods=["GET", "POST"])
def login_code() -> Any:
    """The second step, for who has a second factor."""
    target = web.local(request.args.get("next"))
    user = web.half_visitor()
    if user is None:  # ten minutes are over, or this is not where one begins
        return redirect(url_for("pages.login", next=target), 303)
    if request.method != "POST":
        return _code_form(target)
    try:
        right = web.server().check_code(user, request.form.get("code", ""))
    except TooManyRequests as error:
        return _code_form(target, error.status, f"There were {error.detail}.")
    if right:
        return web.log_in(user, target)
    return _code_form(target, 400, "This code is wrong, too old or used already.")


@pages.post("/logout/")
def logout() -> Any:
    return web.log_out("/")


@pages.post("/session/token/")
def session_token() -> Any:
    """For the script of a page: a token to read with, which it sends as any client does."""
    token = web.token()
    if token is None:
        return {"detail": "You are logged out."}, 401
    return {"token": token, "expires_in": browser.SECONDS}


def _login_form(target: str, status: int = 200, failed: str = "", username: str = "") -> Any:
    client = _client_of(target)
    return web.page(
        "login.html",
        status,
        targets=client.redirect_uris if client else (),
        client=client,
        target=target,
        failed=failed,
        username=username,
    )


def _code_form(target: str, status: int = 200, failed: str = "") -> Any:
    client = _client_of(target)
    targets = client.redirect_uris if client else ()
    return web.page("code.html", status, targets=targets, target=target, failed=failed)


def _client_of(target: str) -> OAuthClient | None:
    """Where consent is remembered, logging in leads straight to the client: browsers hold a form to
    its targets through every redirect.
    """
    asked = parse_qs(urlsplit(target).query)
    client = web.server().client(asked.get("client_id", [""])[0])
    return client.row if client else None


@pages.route("/oauth2/authorize/", methods=["GET", "POST"])
def authorize() -> Any:
    server = web.server()
    asked, client = _asked(server)
    user = web.visitor()
    try:
        if not asked.payload.response_type:
            raise InvalidRequestError("Missing 'response_type' in request.")
        grant = server.get_authorization_grant(asked)
        asked.user = user
        grant.validate_consent_request()
    except OAuth2Error as error:
        error.redirect_uri, error.state = asked.payload.redirect_uri, asked.payload.state
        return _back(server.handle_response(*error()))
    if user is None:
        return web.to_login()
    wanted = set(asked.scope.split())
    if request.method == "POST":
        decision = request.form.get("decision")
    elif _remembered(server, user, client, wanted):
        decision = "allow"
    else:
        return _consent_form(user, client, wanted, asked.payload.redirect_uri)
    if decision not in ("allow", "deny"):
        raise BadInput("The form holds no decision: allow or deny.")
    return _back(
        server.create_authorization_response(
            asked, grant_user=user if decision == "allow" else None, grant=grant
        )
    )


def _asked(server: Server) -> tuple[FlaskOAuth2Request, Client]:
    """The request, which stands in the query whatever the method, and its client. Raises BadInput
    where nobody can be told but the person who looks.
    """
    sent = request.args
    if any(len(values) > 1 for values in sent.listvalues()):
        raise BadInput("A parameter stands in the address more than once.")
    asked = FlaskOAuth2Request(request)
    asked.payload = BasicOAuth2Payload(sent.to_dict())
    client = server.client(asked.payload.client_id or "")
    if client is None:
        raise BadInput("The program that sent you here is not known on this platform.")
    if not client.check_redirect_uri(asked.payload.redirect_uri or ""):
        raise BadInput(
            f"{client.row.name} wants to be answered at an address that it has not registered. "
            "Nothing was sent there. Tell the people who run it."
        )
    return asked, client


def _remembered(server: Server, user: User, client: Client, wanted: set[str]) -> bool:
    """Did the user allow all of it before? A public client is asked for each time, for any program
    may call itself by its name (RFC 6749 section 10.2).
    """
    if client.row.secret_hash is None:
        return False
    row = server.db.read(lambda session: code.consent(session, user.id, client.row.id))
    given = set(row.scope.split()) if row else set()
    return "all" in given or (bool(wanted) and wanted <= given)


def _consent_form(user: User, client: Client, wanted: set[str], redirect_uri: str) -> Any:
    return web.page(
        "consent.html",
        targets=[redirect_uri],
        client=client.row,
        user=user,
        reads=READS[user.role],
        changes=CHANGES[user.role] if "all" in wanted else (),
        action=web.address(),
        leads_to=urlsplit(redirect_uri).netloc or redirect_uri,
    )


def _back(response: Response) -> Response:
    """To the client, and say who answers (RFC 9207)."""
    if response.location:
        response.location = add_params_to_uri(response.location, {"iss": issuer()})
    return response


@pages.get("/oauth2/consents/")
def consents() -> Any:
    user = web.visitor()
    if user is None:
        return web.to_login()
    rows = web.server().db.read(lambda session: code.consents(session, user.id))
    return web.page("consents.html", rows=rows)


@pages.post("/oauth2/consents/<int:client>/withdraw/")
def withdraw(client: int) -> Any:
    user, server = web.visitor(), web.server()
    if user is None:
        return redirect(url_for("pages.login", next=url_for("pages.consents")), 303)
    if not server.db.write(lambda session: code.withdraw(session, user.id, client)):
        raise NotFound("You have allowed this program nothing, or took it back already.")
    server.cache.forget()
    return redirect(url_for("pages.consents"), 303)


def register(app: Flask) -> None:
    web.register(app)
    app.register_blueprint(pages)
