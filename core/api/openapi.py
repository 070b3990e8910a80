"""What flask-smorest cannot know about the OpenAPI document: the refusals of each operation (from
core.api.contract), the problem document, the OAuth2 endpoints.
"""

from copy import deepcopy
from http import HTTPStatus
from typing import Any

from apispec import APISpec

from core.api import contract
from core.api.problems import MEDIA_TYPE
from core.policy import SCOPES

OAUTH_ERROR = {
    "type": "object",
    "description": "An error of RFC 6749 section 5.2.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
TOKEN = {
    "type": "object",
    "required": ["access_token", "expires_in", "token_type", "scope", "refresh_token"],
    "properties": {
        "access_token": {"type": "string"},
        "expires_in": {"type": "integer", "description": "seconds"},
        "token_type": {"type": "string", "enum": ["Bearer"]},
        "scope": {"type": "string"},
        "refresh_token": {"type": "string"},
    },
    "example": {
        "access_token": "4Yw…",
        "expires_in": 36000,
        "token_type": "Bearer",
        "scope": "all",
        "refresh_token": "q8f…",
    },
}
CLIENT = {
    "client_id": {"type": "string", "description": "Or HTTP Basic."},
    "client_secret": {"type": "string"},
}


IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what is changed; 412 where it has changed meanwhile.",
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "The same request again within 24 hours gets the first answer; with another"
    " body 422, while the first runs 409.",
}


def _form(required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": {**properties, **CLIENT}}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


TEXT = {"type": "string"}
OAUTH: dict[str, dict[str, Any]] = {
    "oauth.token": {
        "summary": "Get or renew an access token.",
        "requestBody": _form(
            ["grant_type"],
            grant_type={
                "type": "string",
                "enum": ["password", "authorization_code", "refresh_token"],
            },
            username=TEXT,
            password=TEXT,
            scope={"type": "string", "enum": list(SCOPES)},
            refresh_token=TEXT,
            code=TEXT,
            redirect_uri=TEXT,
            code_verifier=TEXT,
        ),
        "responses": {
            "200": {
                "description": "A pair of tokens",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Token"}}},
            }
        },
    },
    "oauth.revoke": {
        "summary": "End a token; a refresh token takes all that descend from it along.",
        "requestBody": _form(["token"], token=TEXT, token_type_hint=TEXT),
        "responses": {"200": {"description": "Ended, or never known"}},
    },
}


def complete(spec: APISpec) -> None:
    """Finish the document, once every resource has added its paths."""
    for name, schema in (
        ("Problem", contract.PROBLEM),
        ("OAuthError", OAUTH_ERROR),
        ("Token", TOKEN),
    ):
        spec.components.schema(name, schema)
    for name, described in OAUTH.items():
        operation = contract.BY_NAME[name]
        # Not spec.path: smorest's plugin would ask for the rule of a view that it registered.
        spec._paths[operation.path] = {
            operation.method.lower(): {"tags": ["oauth2"], **deepcopy(described)}
        }
    spec.tag({"name": "oauth2", "description": "Tokens (RFC 6749, 7009)."})
    served = {(op.method.lower(), op.path): op for op in contract.OPERATIONS}
    for path, item in spec._paths.items():
        for method, described in item.items():
            if (method, path) in served:
                _refusals(served[method, path], described)


def _refusals(operation: contract.Operation, described: dict[str, Any]) -> None:
    """Every status of the operation by name; ``default`` would allow anything."""
    described["operationId"] = operation.name.replace(".", "_")
    for taken, header in (
        (contract.takes_if_match(operation), IF_MATCH),
        (contract.takes_idempotency_key(operation), IDEMPOTENCY_KEY),
    ):
        if taken:
            described.setdefault("parameters", []).append(header)
    kind = "OAuthError" if operation.name in OAUTH else "Problem"
    responses = described["responses"]
    responses.pop("default", None)
    for status in contract.statuses(operation, body="requestBody" in described)[1:]:
        # RFC 6749 has its own error object; what never reaches the token endpoint has ours.
        which = "Problem" if status in (413, 429) else kind
        reference = {"$ref": f"#/components/schemas/{which}"}
        media = "application/json" if which == "OAuthError" else MEDIA_TYPE
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {media: {"schema": reference}},
        }
