"""The contract as one table: every operation with its path, its other spellings, its success code
and what it may refuse with. Aliases are served from here and the OpenAPI document takes its
refusals from here, so that a correction is one line.

Names with a dot are the vendor's (contract/insiders-endpoints.json) where it has the operation. Of
the 64 entries there, three are sockets and ``job.get_legacy`` is an alias of ours. Vendor paths
whose names are lost are marked ``named here`` (contract/insiders.md section 11, no. 30).
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Flask

# Prefix asked for → prefix served; the first that fits. Four spellings of the sockets and two of
# the REST paths are on record (contract/insiders.md sections 0 and 4.1).
PREFIXES = (
    ("/v1/", "/api/v1/"),
    ("/ws/v1/", "/api/v1/ws/"),
    ("/api/ws/", "/api/v1/ws/"),
)


class Operation(NamedTuple):
    """``refusals`` are those that hang on what is asked for; what every operation of its kind
    refuses (``statuses``) is not repeated in each line. ``aliases`` are in no document.
    """

    name: str
    method: str
    path: str
    success: int
    refusals: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()
    public: bool = False


def _op(
    name: str, asked: str, success: int, *refusals: int, also: str = "", public: bool = False
) -> Operation:
    method, path = asked.split()
    prefix = "" if path.startswith("/oauth2") else "/api/v1/"
    aliases = tuple(prefix + alias for alias in also.split())
    return Operation(name, method, prefix + path, success, refusals, aliases, public)


OPERATIONS = (
    _op("oauth.token", "POST /oauth2/token/", 200, 401, public=True),
    _op("oauth.revoke", "POST /oauth2/revoke-token/", 200, 401, public=True),
    _op("account.get", "GET account/", 200, 403),
    _op("manager.create", "POST managers/", 201, public=True),
    _op("manager.by_external_id", "GET managers/by-external-id/", 200, 403, 404),
    _op("manager.get", "GET managers/{manager}/", 200, 403, 404),
    _op("manager.update", "PUT managers/{manager}/", 201, 403, 404),
    _op("manager.password", "POST managers/{manager}/change-password/", 204, 403, 404),
    _op("athlete.list", "GET athletes/", 200, 403, 404),
    _op("athlete.create", "POST athletes/", 201, public=True),
    _op("athlete.create_managed", "POST athletes/create-managed/", 201, 403),
    _op("athlete.by_external_id", "GET athletes/by-external-id/", 200, 403, 404),
    _op("athlete.get", "GET athletes/{athlete}/", 200, 403, 404),
    _op("athlete.update", "PUT athletes/{athlete}/", 201, 403, 404),
    _op("athlete.delete", "DELETE athletes/{athlete}/", 204, 403, 404),
    _op("athlete.update_managed", "PUT athletes/{athlete}/update-managed/", 201, 403, 404),
    _op("athlete.delete_managed", "DELETE athletes/{athlete}/delete-managed/", 204, 403, 404),
    _op("athlete.password", "POST athletes/{athlete}/change-password/", 204, 403, 404),
    _op("permission.list_all", "GET athletes/{athlete}/permissions/", 200, 403, 404),
    _op(
        "permission.list_manager",
        "GET athletes/{athlete}/managers/{manager}/permissions/",
        200,
        403,
        404,
    ),
    _op(
        "permission.create",
        "POST athletes/{athlete}/managers/{manager}/permissions/",
        200,
        403,
        404,
    ),
    _op(
        "permission.revoke_all",
        "DELETE athletes/{athlete}/managers/{manager}/permissions/",
        204,
        403,
        404,
    ),
    _op(
        "permission.revoke",
        "DELETE athletes/{athlete}/managers/{manager}/permissions/{permission}/",
        204,
        403,
        404,
    ),
    _op("device.list", "GET devices/", 200, 403, 404),
    _op("device.take_ownership", "POST devices/take-ownership/", 201, 403, 404),
    _op(
        "device.take_ownership_legacy", "POST devices/{device}/take-ownership/", 201, 400, 403, 404
    ),
    _op("device.get", "GET devices/{device}/", 200, 403, 404),
    _op("device.set_custom_name", "POST devices/{device}/set-custom-name/", 200, 403, 404),
    _op("device.release_ownership", "POST devices/{device}/release-ownership/", 204, 400, 403, 404),
    _op(
        "device.bulk_load",
        "POST devices/{device}/bulk-load/",
        200,
        403,
        404,  # named here
    ),
    _op(
        "device.bluetooth_get", "GET devices/{device}/bluetooth-config/", 200, 403, 404
    ),  # named here
    _op("device.bluetooth_patch", "PATCH devices/{device}/bluetooth-config/", 200, 403, 404),
    _op("ownership.list", "GET device-ownerships/", 200, 403, 404),
    _op("ownership.get", "GET device-ownerships/{device_ownership}/", 200, 403, 404),
    _op(
        "preprocessed.latest_timestamp",  # named here
        "GET devices/{device}/preprocessed/latest-timestamp/",
        200,
        403,
        404,
    ),
    _op(
        "preprocessed.latest",  # named here
        "GET devices/{device}/preprocessed/latest/",
        200,
        403,
        404,
    ),
    _op("preprocessed.ranges", "GET devices/{device}/preprocessed-ranges/", 200, 403, 404),
    _op("preprocessed.list", "GET devices/{device}/preprocessed/", 200, 403, 404),
    _op(
        "job.get",  # named here
        "GET jobs/{job}/info/",
        200,
        403,
        404,
        also="jobs/{job}/ matlab-jobs/{job}/info/",
    ),
    _op("schema.list", "GET json-schemas/", 200, 403, 404),
    _op("schema.get", "GET json-schemas/{json_schema}/", 200, 403, 404),
    _op("activity.list", "GET activities/", 200, 403, 404),
    _op("activity.create", "POST activities/", 201, 403),
    _op("activity.get", "GET activities/{activity}/", 200, 403, 404),
    _op("activity.update", "PUT activities/{activity}/", 200, 403, 404),
    _op("activity.delete", "DELETE activities/{activity}/", 204, 403, 404),
    _op("webhook.list", "GET activities/{activity}/webhooks/", 200, 403, 404),
    _op("webhook.create", "POST activities/{activity}/webhooks/", 200, 403, 404),
    _op("webhook.get", "GET activities/{activity}/webhooks/{webhook}/", 200, 403, 404),
    _op("webhook.update", "PUT activities/{activity}/webhooks/{webhook}/", 200, 403, 404),
    _op("webhook.delete", "DELETE activities/{activity}/webhooks/{webhook}/", 204, 403, 404),
    _op("timeframe.list", "GET timeframes/", 200, 403, 404),
    _op("timeframe.create", "POST timeframes/", 201, 403),
    _op("timeframe.get", "GET timeframes/{timeframe}/", 200, 403, 404),
    _op("timeframe.update", "PUT timeframes/{timeframe}/", 200, 403, 404),
    _op("timeframe.patch", "PATCH timeframes/{timeframe}/", 200, 403, 404),
    _op("timeframe.delete", "DELETE timeframes/{timeframe}/", 204, 403, 404),
    _op(
        "computed.activity",  # named here
        "GET activities/{activity}/computed/",
        200,
        403,
        404,
        also="activities/{activity}/computed-data/",
    ),
    _op(
        "computed.timeframe",  # named here
        "GET timeframes/{timeframe}/computed/",
        200,
        403,
        404,
        also="timeframes/{timeframe}/computed-data/",
    ),
    # Ours (contract/touchline.md).
    _op("computed.editions", "GET timeframes/{timeframe}/computed/editions/", 200, 403, 404),
    _op("summary.get", "GET activities/{activity}/summary/", 200, 403, 404),
    _op(
        "webhook.rotate_secret",
        "POST activities/{activity}/webhooks/{webhook}/rotate-secret/",
        200,
        403,
        404,
    ),
    _op("webhook.enable", "POST webhooks/{webhook}/enable/", 200, 403, 404, 409),
    _op("webhook.test", "POST webhooks/{webhook}/test/", 202, 403, 404),
    _op("webhook.redeliver", "POST webhooks/{webhook}/redeliver/", 202, 403, 404, 409),
    _op("webhook.reconcile", "GET webhooks/{webhook}/reconcile/", 200, 403, 404),
    _op("delivery.list", "GET webhooks/{webhook}/deliveries/", 200, 403, 404),
    _op(
        "delivery.redeliver",
        "POST webhooks/{webhook}/deliveries/{event}/redeliver/",
        202,
        403,
        404,
        409,
    ),
    _op("athlete.export", "GET athletes/{athlete}/export/", 200, 403, 404),
    _op("sample.send", "POST devices/{device}/samples/", 200, 403, 404, 409, 503),
    _op("bluetooth.device_get", "GET devices/{device}/uplink/config/", 200, 403, 404),
    _op("bluetooth.device_report", "POST devices/{device}/uplink/config/", 200, 403, 404),
    _op("file.add_to_device", "POST devices/{device}/files/", 202, 403, 404),
    _op("file.add_to_athlete", "POST athletes/{athlete}/files/", 202, 403, 404),
    _op("file.get_of_device", "GET devices/{device}/files/{file}/", 200, 403, 404),
    _op("file.get_of_athlete", "GET athletes/{athlete}/files/{file}/", 200, 403, 404),
    _op("change.list", "GET changes/", 200, 403, 410),
    _op("timeframe.series", "GET timeframes/{timeframe}/series/", 200, 403, 404),
    _op("timeframe.replay", "POST timeframes/{timeframe}/replay/", 201, 403, 404),
    _op("parameter.list", "GET athletes/{athlete}/parameters/", 200, 403, 404),
    _op("parameter.create", "POST athletes/{athlete}/parameters/", 201, 403, 404),
    _op("parameter.get", "GET athletes/{athlete}/parameters/{parameter}/", 200, 403, 404),
    _op("parameter.change", "PUT athletes/{athlete}/parameters/{parameter}/", 200, 403, 404),
    _op("parameter.remove", "DELETE athletes/{athlete}/parameters/{parameter}/", 204, 403, 404),
    _op("access_log.list", "GET athletes/{athlete}/access-log/", 200, 403, 404),
    _op("team.list", "GET teams/", 200, 403, 404),
    _op("team.create", "POST teams/", 201, 403),
    _op("team.get", "GET teams/{team}/", 200, 403, 404),
    _op("team.update", "PUT teams/{team}/", 200, 403, 404),
    _op("team.delete", "DELETE teams/{team}/", 204, 403, 404),
    _op("team.member_list", "GET teams/{team}/members/", 200, 403, 404),
    _op("team.member_add", "POST teams/{team}/members/", 201, 403, 404),
    _op("team.member_change", "PUT teams/{team}/members/{member}/", 200, 403, 404),
    _op("team.member_remove", "DELETE teams/{team}/members/{member}/", 204, 403, 404),
    _op("admin.device_list", "GET admin/devices/", 200, 403, 404),
    _op("admin.device_create", "POST admin/devices/", 201, 403, 409),
    _op("admin.device_create_many", "POST admin/devices/bulk/", 201, 403),
    _op("admin.device_change", "PATCH admin/devices/{device}/", 200, 403, 404),
    _op("admin.device_rotate_token", "POST admin/devices/{device}/rotate-token/", 200, 403, 404),
    _op("admin.ownership_create", "POST admin/device-ownerships/", 201, 403, 409),
    _op("admin.json_schema_create", "POST admin/json-schemas/", 201, 403),
    _op("admin.user_list", "GET admin/users/", 200, 403, 404),
    _op("admin.user_create", "POST admin/users/", 201, 403),
    _op("admin.user_get", "GET admin/users/{user}/", 200, 403, 404),
    _op("admin.user_change", "PATCH admin/users/{user}/", 200, 403, 404),
    _op("admin.user_password_link", "POST admin/users/{user}/password-link/", 204, 403, 404),
    _op("admin.client_list", "GET admin/clients/", 200, 403, 404),
    _op("admin.client_create", "POST admin/clients/", 201, 403),
    _op("admin.client_get", "GET admin/clients/{client}/", 200, 403, 404),
    _op("admin.client_change", "PATCH admin/clients/{client}/", 200, 403, 404),
    _op("admin.client_rotate_secret", "POST admin/clients/{client}/rotate-secret/", 200, 403, 404),
    _op("admin.client_usage", "GET admin/clients/{client}/usage/", 200, 403, 404),
    _op("admin.audit_log", "GET admin/audit-log/", 200, 403, 404),
)

# WebSockets; core.api.sockets says how each begins.
SOCKETS = (
    "/api/v1/ws/computed-data/{activity}/{timeframe}/",
    "/api/v1/ws/computed-data/{activity}/",
    "/api/v1/ws/preprocessed-data/{device}/",
    "/api/v1/ws/replay/{replay}/",
    "/api/v1/ws/uplink/{device}/",
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}

# Every request may be malformed (a NUL, a name twice in the query) or come too often.
ALWAYS = (400, 429)
WITH_BODY = (413, 415)


def canonical(path: str) -> str:
    """The path as it is served."""
    for asked, served in PREFIXES:
        if path.startswith(asked):
            return served + path.removeprefix(asked)
    return path


def statuses(operation: Operation, *, body: bool) -> list[int]:
    """Every status that the operation may answer with, success first."""
    refusals = {*operation.refusals, *ALWAYS}
    if takes_if_match(operation):
        refusals.add(412)
    if takes_idempotency_key(operation):
        refusals.update((409, 422))
    if not operation.public:
        refusals.add(401)
    if body:
        refusals.update(WITH_BODY)
    return [operation.success, *sorted(refusals)]


def takes_if_match(operation: Operation) -> bool:
    """A change of a single resource (core.api.etags)."""
    return operation.method in ("PUT", "PATCH", "DELETE") and operation.path.endswith("}/")


def takes_idempotency_key(operation: Operation) -> bool:
    """Every POST but OAuth2's (core.api.idempotency)."""
    return operation.method == "POST" and not operation.path.startswith("/oauth2/")


def as_documented(rule: str) -> str:
    """Flask's ``<int:athlete>`` as OpenAPI's ``{athlete}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def add_aliases(app: Flask) -> None:
    """Serve the other spellings with the operation's own view, once all views are there."""
    rules = {
        (method, as_documented(rule.rule)): rule
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for operation, alias in _aliases():
        rule = rules[operation.method, operation.path]
        spelled = alias
        for variable in re.findall(r"<[^>]+>", rule.rule):
            spelled = spelled.replace(as_documented(variable), variable)
        view = app.view_functions[rule.endpoint]
        app.add_url_rule(spelled, f"alias {alias}", view, methods=[operation.method])


def _aliases() -> Iterator[tuple[Operation, str]]:
    return ((op, alias) for op in OPERATIONS for alias in op.aliases)


PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for programs."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "request_id": {"type": "string", "description": "Finds the request in the server's log."},
        "message": {"type": "string"},
        "resync": {
            "type": "string",
            "description": "Of a 410: the cursor to go on from, once the lists were read anew.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer (RFC 6901) or, for the query, /parameter.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
