"""The authorization code grant (RFC 6749 section 4.1) with PKCE (RFC 7636), and introspection
(RFC 7662), for core.auth.server.

A code is good once and for ``CODE_SECONDS``; one that comes back ends every token that it brought
forth. Public clients must prove by PKCE that the code is theirs; the method plain is refused.
"""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from authlib.oauth2.rfc6749 import InvalidRequestError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from core import clock
from core.auth.secrets import hash_token, new_token
from core.models import AuthorizationCode, Consent, OAuthToken, User

if TYPE_CHECKING:
    from core.auth.server import Client, Server, Token

CODE_SECONDS = 600
METHODS = ["S256"]


class Code:
    """A row of AuthorizationCode as Authlib wants to see it."""

    code_challenge_method = METHODS[0]

    def __init__(self, row: AuthorizationCode) -> None:
        self.row = row
        self.code_challenge = row.code_challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return self.row.scope


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]  # noqa: RUF012 -- Authlib's own form
    server: "Server"

    def generate_authorization_code(self) -> str:
        return new_token()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Store the code and the consent that it comes of, in one commit."""
        client, user = request.client.row.id, request.user.id
        row = AuthorizationCode(
            code_hash=hash_token(code),
            client_id=client,
            user_id=user,
            family=str(uuid4()),
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            code_challenge=request.payload.data.get("code_challenge"),
            expires=clock.now() + CODE_SECONDS * 1000,
        )

        def store(session: Session) -> None:
            session.add(row)
            remember(session, user, client, request.scope)

        self.server.db.write(store)

    def query_authorization_code(self, code: str, client: "Client") -> Code | None:
        row = self.server.db.read(
            lambda session: session.scalar(
                select(AuthorizationCode).where(AuthorizationCode.code_hash == hash_token(code))
            )
        )
        if row is None or row.client_id != client.row.id:
            return None
        if row.used is not None:  # somebody has seen it who should not
            self.server.end_family(row.family)
            return None
        return Code(row) if clock.now() < row.expires else None

    def authenticate_user(self, authorization_code: Code) -> User | None:
        return self.server.user_by_id(authorization_code.row.user_id)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It was spent in the commit that stored its tokens (``Server.save``), and stays as long as
        they do, to be known when it comes back.
        """


class Challenge(CodeChallenge):
    """PKCE by S256 only. A challenge without a method would mean plain."""

    DEFAULT_CODE_CHALLENGE_METHOD = METHODS[0]
    SUPPORTED_CODE_CHALLENGE_METHOD = METHODS

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if grant.client.row.secret_hash is None and not sent.get("code_challenge"):
            raise InvalidRequestError("A client without a secret needs a 'code_challenge'.")
        if sent.get("code_challenge") and sent.get("code_challenge_method") != METHODS[0]:
            raise InvalidRequestError("The 'code_challenge_method' must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class Introspection(IntrospectionEndpoint):
    """A client asks whether one of its own tokens is good; others' are as if not there."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 -- Authlib's own form
    server: "Server"

    def check_params(self, request: Any, client: "Client") -> None:
        if "token" not in request.form:
            raise InvalidRequestError("Missing 'token' in request.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> "Token | None":
        return self.server.found_token(token_string)

    def check_permission(self, token: "Token", client: "Client", request: Any) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: "Token") -> dict[str, Any]:
        row = token.row
        user = self.server.user_of(row)
        if user is None:
            return {"active": False}
        payload: dict[str, Any] = {
            "active": True,
            "scope": row.scope,
            "client_id": self.server.client_by_id(row.client_id).client_id,
            "username": user.username,
            "sub": str(user.id),
            "iat": row.issued // 1000,
        }
        if token.is_access:
            payload |= {"token_type": "Bearer", "exp": row.expires // 1000}
        return payload


def spend(session: Session, row_id: int) -> bool:
    """Use up a code. False: it was used already; of two requests at once only one gets True."""
    done = session.execute(
        update(AuthorizationCode)
        .where(AuthorizationCode.id == row_id, AuthorizationCode.used.is_(None))
        .values(used=clock.now())
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one


def consent(session: Session, user_id: int, client_id: int) -> Consent | None:
    return session.scalar(
        select(Consent).where(Consent.user_id == user_id, Consent.client_id == client_id)
    )


def consents(session: Session, user_id: int) -> list[Consent]:
    """What a user lets clients do, newest first, with the clients."""
    return list(
        session.scalars(
            select(Consent)
            .where(Consent.user_id == user_id)
            .options(joinedload(Consent.client))
            .order_by(Consent.granted.desc(), Consent.id.desc())
        )
    )


def remember(session: Session, user_id: int, client_id: int, scope: str) -> None:
    """Write down what the user allowed; what they allowed before stays allowed."""
    row = consent(session, user_id, client_id)
    if row is None:
        row = Consent(user_id=user_id, client_id=client_id, scope="", granted=clock.now())
        session.add(row)
    row.scope = " ".join(sorted({*row.scope.split(), *scope.split()}))


def withdraw(session: Session, user_id: int, client_id: int) -> bool:
    """Forget a consent and end all that the client holds of this user. False: there was none."""
    row = consent(session, user_id, client_id)
    if row is None:
        return False
    session.delete(row)
    session.execute(
        delete(AuthorizationCode).where(
            AuthorizationCode.user_id == user_id, AuthorizationCode.client_id == client_id
        )
    )
    session.execute(
        update(OAuthToken)
        .where(
            OAuthToken.user_id == user_id,
            OAuthToken.client_id == client_id,
            OAuthToken.revoked.is_(None),
        )
        .values(revoked=clock.now())
    )
    return True
