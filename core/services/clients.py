"""OAuth clients: programs that may ask for tokens. Operators register them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from core import policy
from core.auth.secrets import hash_token, new_token
from core.clock import now
from core.errors import BadInput
from core.models import OAuthClient
from core.policy import SCOPES, Actor

GRANTS = ("password", "authorization_code")


def create(
    session: Session,
    actor: Actor,
    name: str,
    grants: Sequence[str],
    redirect_uris: Sequence[str] = (),
    *,
    public: bool = False,
    scope: str = "all",
) -> tuple[OAuthClient, str | None]:
    """Register a client. Returns it and its secret, which is shown this once; None for a public
    client, which has none.

    Raises BadInput for an unknown grant or scope, and where the grant authorization_code has no
    redirect URI or the URI is not absolute or has a fragment.
    """
    policy.require_administrator(actor)
    if not name.strip():
        raise BadInput.at("/name", "must not be empty")
    unknown = [grant for grant in grants if grant not in GRANTS]
    if unknown or not grants:
        raise BadInput.at("/grants", f"one or more of {', '.join(GRANTS)}")
    if not set(scope.split()) <= set(SCOPES) or not scope.split():
        raise BadInput.at("/scope", f"one or more of {', '.join(SCOPES)}")
    if "authorization_code" in grants and not redirect_uris:
        raise BadInput.at("/redirect_uris", "the grant authorization_code needs one")
    for index, uri in enumerate(redirect_uris):
        parts = urlsplit(uri)
        if not parts.scheme or not (parts.netloc or parts.path) or parts.fragment:
            raise BadInput.at(
                f"/redirect_uris/{index}", "must be an absolute URI without a fragment"
            )
    secret = None if public else new_token()
    client = OAuthClient(
        client_id=new_token()[:24],
        secret_hash=hash_token(secret) if secret else None,
        name=name,
        grants=list(dict.fromkeys(grants)),
        redirect_uris=list(redirect_uris),
        scope=scope,
        created=now(),
    )
    session.add(client)
    session.flush()
    return client, secret
