"""The OAuth2 authorization server: Authlib's, over our tables.

``POST /oauth2/token/`` takes the grants password, authorization_code and refresh_token, ``POST
/oauth2/revoke-token/`` ends a token (contract/insiders.md section 3), ``POST /oauth2/introspect/``
tells of one. Errors are the objects of RFC 6749 section 5.2. What people see is in core.auth.pages.
Authlib itself refuses plain http, except on loopback addresses; behind a proxy that ends TLS the
operator's server must pass on the scheme.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    ClientMixin,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    TokenMixin,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Blueprint, Flask, Response, after_this_request, jsonify, request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import clock
from core.auth import code, tokens, web
from core.auth.attempts import CODE, PASSWORD, Attempts
from core.auth.passwords import hash_password, needs_rehash, verify
from core.auth.secrets import hash_token, matches, new_token
from core.errors import TooManyRequests
from core.models import OAuthClient, OAuthToken, SecondFactor, User
from core.models.db import Database
from core.models.users import spelled
from core.policy import SCOPES

CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
# A client that may ask for a token of a user may also renew it; registration need not say so.
IMPLIED_GRANT = "refresh_token"
FORM = "application/x-www-form-urlencoded"


class Client(ClientMixin):
    """A row of OAuthClient as Authlib wants to see it."""

    def __init__(self, row: OAuthClient) -> None:
        self.row = row

    def get_client_id(self) -> str:
        return self.row.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope asked for, if the client's own holds it; asked for nothing, its own."""
        granted, wanted = set(self.row.scope.split()), (scope or "").split()
        if not wanted:
            return self.row.scope
        return " ".join(wanted) if "all" in granted or granted.issuperset(wanted) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return self.row.secret_hash is not None and matches(client_secret, self.row.secret_hash)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == (self.row.secret_hash is None)

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grants or grant_type == IMPLIED_GRANT

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """As registered, letter by letter (RFC 9700 section 2.1)."""
        return redirect_uri in self.row.redirect_uris


class Token(TokenMixin):
    """A row of OAuthToken as Authlib wants to see it."""

    def __init__(self, row: OAuthToken, secret: str = "") -> None:
        self.row = row
        self.is_access = bool(secret) and row.access_hash == hash_token(secret)

    def is_expired(self) -> bool:
        """A refresh token ends with its use, not by itself."""
        return self.is_access and self.row.expires <= clock.now()

    def is_revoked(self) -> bool:
        return self.row.revoked is not None

    def check_client(self, client: Client) -> bool:
        return self.row.client_id == client.row.id

    def get_scope(self) -> str:
        return self.row.scope


class PasswordGrant(grants.ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_AUTH_METHODS
    server: "Server"

    def authenticate_user(self, username: str, password: str) -> User:
        user = self.server.log_in(username, password)
        if user is None:
            raise InvalidGrantError("The username or the password is wrong.")
        if self.server.needs_code(user):
            given = request.form.get("otp", "")
            if not given:
                raise InvalidGrantError(
                    "This account has a second factor: send its current code as otp."
                )
            if not self.server.check_code(user, given):
                raise InvalidGrantError("The code in otp is wrong, too old or used already.")
        return user


class RefreshGrant(grants.RefreshTokenGrant):
    """Every use rotates; a spent token that comes back ends the whole family."""

    TOKEN_ENDPOINT_AUTH_METHODS = CLIENT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: "Server"

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        row = self.server.token(refresh_token)
        if row is None or row.refresh_hash != hash_token(refresh_token):
            return None
        if row.refresh_spent is not None:
            self.server.end_family(row.family)
            return None
        return None if row.revoked is not None else Token(row)

    def authenticate_user(self, refresh_token: Token) -> User:
        return self.server.user_of(refresh_token.row)

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """The row was spent in the commit that stored its successor (``Server.save``)."""
        self.server.cache.forget(refresh_token.row.access_hash)


class Revocation(RevocationEndpoint):
    """RFC 7009. A refresh token takes its whole family along; hints are not needed."""

    CLIENT_AUTH_METHODS = CLIENT_AUTH_METHODS
    server: "Server"

    def check_params(self, request: Any, client: Client) -> None:
        if "token" not in request.form:
            raise InvalidRequestError("Missing 'token' in request.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        row = self.server.token(token_string)
        return Token(row) if row else None

    def revoke_token(self, token: Token, request: Any) -> None:
        self.server.end_family(token.row.family)


class Server(AuthorizationServer):
    """``offload`` runs slow work away from the event loop, where there is one. ``use_code`` uses up
    a code of a user's second factor, or says False (core.services.second_factor.use).
    """

    def __init__(
        self,
        db: Database,
        cache: tokens.TokenCache,
        token_seconds: int,
        offload: Callable[[Callable[[], Any]], Any],
        attempts: Attempts,
        use_code: Callable[[Session, int, str], bool],
    ) -> None:
        super().__init__(query_client=self.client, save_token=self.save)
        self.db, self.cache, self.offload = db, cache, offload
        self.token_seconds, self.attempts, self._use_code = token_seconds, attempts, use_code
        self.scopes_supported = list(SCOPES)
        self.register_token_generator(
            "default",
            BearerTokenGenerator(
                lambda **_: new_token(), lambda **_: new_token(), lambda *_: token_seconds
            ),
        )
        self.register_client_auth_method("client_secret_basic", _basic)
        self.register_grant(PasswordGrant)
        self.register_grant(RefreshGrant)
        self.register_grant(code.CodeGrant, [code.Challenge(required=True)])
        self.register_endpoint(Revocation)
        self.register_endpoint(code.Introspection)

    def create_oauth2_request(self, _request: Any) -> FlaskOAuth2Request:
        """Parameters of a POST stand in its body only, each once (RFC 6749 section 3.2)."""
        made = FlaskOAuth2Request(request)
        sent = request.form if request.method == "POST" else request.args
        if any(len(values) > 1 for values in sent.listvalues()):
            raise InvalidRequestError("A parameter stands in the request more than once.")
        _no_contradiction(sent)
        made.payload = BasicOAuth2Payload(sent.to_dict())
        return made

    def authenticate_client(self, request: Any, methods: list[str], endpoint: str = "token") -> Any:
        """Always the same answer, so that nobody learns which clients exist."""
        try:
            return super().authenticate_client(request, methods, endpoint)
        except InvalidClientError:
            raise InvalidClientError("Client authentication failed.", status_code=401) from None

    def client(self, client_id: str) -> Client | None:
        row = self._one(select(OAuthClient).where(OAuthClient.client_id == _storable(client_id)))
        return Client(row) if row else None

    def user(self, username: str) -> User | None:
        """The account to log in to; a disabled one is none."""
        wanted = (User.username == _storable(username), User.disabled.is_(False))
        return self._one(select(User).where(*wanted))

    def log_in(self, username: str, password: str) -> User | None:
        """Who this is, for the password grant and the login page alike. Raises TooManyRequests
        where too many passwords were tried for the account or from the address.
        """
        username, address = spelled(username), request.remote_addr or ""
        self._count(username, address, PASSWORD)
        user = self.user(username)
        right = self.offload(lambda: verify(user.password_hash if user else None, password))
        if user is None or not right:
            return None
        self.attempts.succeeded(username, address)
        if user.password_hash and needs_rehash(user.password_hash):
            self.set_password(user.id, self.offload(lambda: hash_password(password)))
        return user

    def needs_code(self, user: User) -> bool:
        """Has the account a second factor?"""
        enabled = (SecondFactor.user_id == user.id, SecondFactor.confirmed.is_not(None))
        return self._one(select(SecondFactor.id).where(*enabled)) is not None

    def check_code(self, user: User, given: str) -> bool:
        """Use up a code of the second factor. Raises TooManyRequests as ``log_in``."""
        address = request.remote_addr or ""
        self._count(user.username, address, CODE)
        if not self.db.write(lambda session: self._use_code(session, user.id, given)):
            return False
        self.attempts.succeeded(user.username, address, CODE)
        return True

    def _count(self, username: str, address: str, kind: str) -> None:
        wait = self.attempts.wait(username, address, kind)
        if wait:
            after_this_request(partial(_retry_after, wait))
            raise TooManyRequests(f"too many attempts to log in; again in {-(-wait // 60)} min")

    def user_of(self, row: OAuthToken) -> User:
        return self._one(select(User).where(User.id == row.user_id))

    def user_by_id(self, user_id: int) -> User | None:
        """An account that may act; a disabled one may not."""
        return self._one(select(User).where(User.id == user_id, User.disabled.is_(False)))

    def client_by_id(self, row_id: int) -> OAuthClient:
        return self._one(select(OAuthClient).where(OAuthClient.id == row_id))

    def token(self, secret: str) -> OAuthToken | None:
        """By either of its secrets."""
        key = hash_token(secret)
        return self._one(
            select(OAuthToken).where(
                or_(OAuthToken.access_hash == key, OAuthToken.refresh_hash == key)
            )
        )

    def found_token(self, secret: str) -> Token | None:
        row = self.token(secret)
        return Token(row, secret) if row else None

    def _one(self, statement: Any) -> Any:
        return self.db.read(lambda session: session.scalars(statement).first())

    def set_password(self, user_id: int, password_hash: str) -> None:
        def change(session: Session) -> None:
            session.get_one(User, user_id).password_hash = password_hash

        self.db.write(change)

    def save(self, token: dict[str, Any], request: Any) -> None:
        """Store a new pair; spend the refresh token or the code it is for in the same commit."""
        old: Token | None = request.refresh_token
        exchanged: code.Code | None = request.authorization_code
        source = old or exchanged
        family: str | None = source.row.family if source else None

        def store(session: Session) -> bool:
            again = (old is not None and not tokens.spend(session, old.row.id)) or (
                exchanged is not None and not code.spend(session, exchanged.row.id)
            )
            if again and family is not None:
                tokens.revoke_family(session, family)
                return False
            tokens.issue(
                session,
                tokens.Pair(token["access_token"], token["refresh_token"]),
                client_id=request.client.row.id,
                user_id=request.user.id,
                scope=token["scope"],
                seconds=self.token_seconds,
                family=family,
            )
            return True

        if not self.db.write(store):
            self.cache.forget()
            raise InvalidGrantError()

    def end_family(self, family: str) -> None:
        self.db.write(lambda session: tokens.revoke_family(session, family))
        self.cache.forget()


def _basic(query_client: Callable[[str], Client | None], _request: Any) -> Client | None:
    """HTTP Basic; a header that cannot be decoded counts as none."""
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        return None
    client = query_client(given.username)
    return client if client is not None and client.check_client_secret(given.password) else None


def _no_contradiction(sent: Mapping[str, str]) -> None:
    """A client that says in the form who it is, and in the header that it is another, is nobody
    (RFC 6749 section 2.3).
    """
    header = request.authorization
    if header is None or header.type != "basic":
        return
    for name, value in (("client_id", header.username), ("client_secret", header.password)):
        if name in sent and sent[name] != value:
            raise InvalidRequestError(f"'{name}' contradicts the header Authorization.")


def _retry_after(seconds: int, response: Response) -> Response:
    response.headers["Retry-After"] = str(seconds)
    return response


def _storable(text: str) -> str:
    """PostgreSQL has no NUL in its texts; no name of ours holds one, so none matches."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def issuer() -> str:
    """How this server is called, in metadata and in what it sends to redirect URIs (RFC 9207)."""
    return request.host_url.rstrip("/")


def _metadata() -> dict[str, Any]:
    """RFC 8414."""
    base = issuer()
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/authorize/",
        "token_endpoint": f"{base}/oauth2/token/",
        "revocation_endpoint": f"{base}/oauth2/revoke-token/",
        "introspection_endpoint": f"{base}/oauth2/introspect/",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "password"],
        "token_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": code.Introspection.CLIENT_AUTH_METHODS,
        "code_challenge_methods_supported": code.METHODS,
        "authorization_response_iss_parameter_supported": True,
    }


def register(app: Flask) -> None:
    """The paths for programs."""
    pages = Blueprint("oauth2", __name__, url_prefix="/oauth2")

    @pages.post("/token/")
    def token() -> Response:
        if request.mimetype != FORM:
            raise InvalidRequestError(f"The body must be {FORM}.")
        if "grant_type" not in request.form:
            raise InvalidRequestError("Missing 'grant_type' in request.")
        return web.server().create_token_response()

    @pages.post("/revoke-token/")
    def revoke_token() -> Response:
        answer = web.server().create_endpoint_response(Revocation.ENDPOINT_NAME)
        return Response(status=200) if answer.status_code == 200 else answer

    @pages.post("/introspect/")
    def introspect() -> Response:
        return web.server().create_endpoint_response(code.Introspection.ENDPOINT_NAME)

    @app.get("/.well-known/oauth-authorization-server")
    def metadata() -> Response:
        return jsonify(_metadata())

    app.register_blueprint(pages)
    app.register_error_handler(OAuth2Error, _refused)


def _refused(error: OAuth2Error) -> Response:
    return web.server().handle_response(*error())
