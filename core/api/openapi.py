"""What flask-smorest cannot know about the OpenAPI document: the refusals of each operation (from
core.api.contract), examples (core.api.examples), security, the OAuth2 endpoints.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask

from core.api import contract, problems
from core.api.examples import Examples, Missing
from core.api.requests import HEADER
from core.errors import (
    BadInput,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
    UnsupportedMedia,
)
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


PATH_PARAMETERS = {
    "job": "The job's job_id, or its id.",
    "json_schema": "The JSON schema's id.",
    "timeframe": "The time frame's id.",
}

# One of each refusal; every operation shows those that it may give.
REFUSALS = (
    BadInput.at("/name", "Missing data for required field."),
    Unauthorized("the access token is unknown, expired or revoked"),
    Forbidden("this needs the role MANAGER"),
    NotFound("no device 3"),
    Conflict("this contradicts what is stored"),
    Gone("events after this cursor are no longer kept", resync="AQAAAAAAAB-5jpUFWw"),
    PreconditionFailed("this was changed since: read it again, then change it"),
    TooLarge("the body is larger than 8 MiB"),
    UnsupportedMedia("the body must be JSON (Content-Type: application/json)"),
    Unprocessable("this Idempotency-Key came with another request before"),
    TooManyRequests("too many requests; again in 2 s"),
    Unavailable("this could not be stored now; send it again"),
)
OAUTH_REFUSALS = {
    400: {"error": "invalid_grant", "error_description": "wrong username or password"},
    401: {"error": "invalid_client"},
}
RETRY_AFTER = {"description": "Seconds until it may be tried again.", "schema": {"type": "integer"}}

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token of `/oauth2/token/`. Its scope `read` is enough for what only"
    " reads.",
}
UPLINK = {
    "type": "http",
    "scheme": "bearer",
    "description": "A device's own uplink token, for that device.",
}
CLIENT_BASIC = {
    "type": "http",
    "scheme": "basic",
    "description": "An OAuth client's id and secret; they may stand in the form instead.",
}


def name_of(schema: Any) -> str:
    """A shape's name in the document: ``TimeFrameShape`` is ``TimeFrame``."""
    shape: Any = resolve_schema_cls(schema)
    return shape.__name__.removesuffix("Shape")


def declare(spec: APISpec) -> None:
    """What resources refer to; before they add their paths."""
    for name, scheme in (("bearer", BEARER), ("uplink", UPLINK), ("client", CLIENT_BASIC)):
        spec.components.security_scheme(name, scheme)


def complete(app: Flask, spec: APISpec) -> None:
    """Finish the document, once every resource has added its paths."""
    for name in (
        "ErrorSchema",
        "PaginationMetadataSchema",
    ):  # smorest's; ours are Problem and …Page
        spec.components.schemas.pop(name, None)
    spec.components.responses.clear()
    for name, schema in (
        ("Problem", contract.PROBLEM),
        ("OAuthError", OAUTH_ERROR),
        ("Token", TOKEN),
    ):
        spec.components.schema(name, schema)
    with app.test_request_context(headers={HEADER: "0a1b2c3d4e5f"}):
        for error in REFUSALS:
            example = {"summary": error.title, "value": problems.example(error)}
            spec.components.example(_example_name(error.status), example)
    for name, described in OAUTH.items():
        operation = contract.BY_NAME[name]
        # Not spec.path: smorest's plugin would ask for the rule of a view that it registered.
        spec._paths[operation.path] = {
            operation.method.lower(): {"tags": ["oauth2"], **deepcopy(described)}
        }
    spec.tag({"name": "oauth2", "description": "Tokens (RFC 6749, 7009)."})
    examples = Examples(spec.to_dict()["components"]["schemas"])
    served = {(op.method.lower(), op.path): op for op in contract.OPERATIONS}
    for path, item in spec._paths.items():
        _parameters(item.get("parameters", []), examples)
        for method, described in item.items():
            if (method, path) in served:
                _finish(served[method, path], described, examples)


def _finish(operation: contract.Operation, described: dict[str, Any], examples: Examples) -> None:
    """Name, headers, security, refusals and examples of one operation."""
    described["operationId"] = operation.name.replace(".", "_")
    for taken, header in (
        (contract.takes_if_match(operation), IF_MATCH),
        (contract.takes_idempotency_key(operation), IDEMPOTENCY_KEY),
    ):
        if taken:
            described.setdefault("parameters", []).append(dict(header))
    oauth = operation.name in OAUTH
    described.setdefault("security", [{"client": []}, {}] if oauth else [])
    _refusals(operation, described, oauth)
    _parameters(described.get("parameters", []), examples)
    body = described.get("requestBody", {})
    success = described["responses"][str(operation.success)]
    for asked, holder in ((True, body), (False, success)):
        for content in holder.get("content", {}).values():
            if not {"example", "examples"} & content.keys() and not _is_bytes(content):
                with suppress(Missing):  # the guard says what is missing; serving goes on
                    content["example"] = examples.of(content["schema"], asked=asked)


def _is_bytes(content: Mapping[str, Any]) -> bool:
    return content["schema"].get("format") == "binary"


def _parameters(listed: Iterable[dict[str, Any]], examples: Examples) -> None:
    """Each parameter's sentence, where it is a path's, and its example."""
    for parameter in listed:
        name = parameter["name"]
        if parameter["in"] == "path":
            about = PATH_PARAMETERS.get(name, f"The {name.replace('_', ' ')}'s id.")
            parameter.setdefault("description", about)
        with suppress(Missing):
            parameter.setdefault("example", examples.of_name(name, parameter["schema"]))


def _example_name(status: int) -> str:
    return f"Problem{status}"


def _refusals(operation: contract.Operation, described: dict[str, Any], oauth: bool) -> None:
    """Every status of the operation by name; ``default`` would allow anything."""
    responses = described["responses"]
    responses.pop("default", None)
    for status in contract.statuses(operation, body="requestBody" in described)[1:]:
        # RFC 6749 has its own error object; what never reaches the token endpoint has ours.
        if oauth and status in OAUTH_REFUSALS:
            schema = {"$ref": "#/components/schemas/OAuthError"}
            content: dict[str, Any] = {
                "application/json": {"schema": schema, "example": OAUTH_REFUSALS[status]}
            }
        else:
            schema = {"$ref": "#/components/schemas/Problem"}
            name = _example_name(status)
            shown = {"refused": {"$ref": f"#/components/examples/{name}"}}
            content = {problems.MEDIA_TYPE: {"schema": schema, "examples": shown}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        if status == 429:
            responses["429"]["headers"] = {"Retry-After": RETRY_AFTER}
