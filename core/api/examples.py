"""The examples of the OpenAPI document, composed from the shapes.

The same name means the same thing wherever it stands, so each name has its example once, here
(``WORDS``); what a field's metadata or a schema gives itself wins. An example of a body is made by
walking its schema, so it has the fields that the shape has, and no others.
"""

from collections.abc import Mapping
from typing import Any

# Left out of the composed example: what stands there only sometimes.
OMIT = object()

Schema = Mapping[str, Any]

# By noun, as it stands in paths and as the beginning of a shape's name.
IDS: Mapping[str, Any] = {
    "account": 7,
    "manager": 7,
    "athlete": 12,
    "user": 12,
    "device": 3,
    "device_ownership": 8,
    "ownership": 8,
    "activity": 42,
    "timeframe": 108,
    "json_schema": 4,
    "permission": 9,
    "parameter": 21,
    "athleteparameter": 21,
    "webhook": 6,
    "team": 2,
    "member": 31,
    "file": 15,
    "job": 77,
    "client": 1,
    "auditevent": 640,
    "accessevent": 512,
    "owner": 7,
    "managed_by": 7,
}

# By the name of a field or parameter; ``shape.field`` (in lower case) where a shape means its own.
WORDS: Mapping[str, Any] = {
    **IDS,
    "athlete.managed_by": None,
    "account.managed_by": OMIT,
    "reader": 7,
    "actor": 1,
    "target": 3,
    "parent": 4,
    "jsonschema.parent": None,
    # People.
    "username": "player-7",
    "manager.username": "coach",
    "managerregistration.username": "coach",
    "account.username": "coach",
    "accessevent.username": "coach",
    "auditevent.username": "admin",
    "email": "player-7@club.example",
    "manager.email": "coach@club.example",
    "managerregistration.email": "coach@club.example",
    "account.email": "coach@club.example",
    "external_id": "club-0007",
    "external-id": "club-0007",
    "password": "correct horse battery staple",
    "first_name": "Ada",
    "last_name": "Berg",
    "gender": "F",
    "weight": 61.5,
    "height": 1.72,
    "birth_date": "2001-04-30",
    "birthdate_from": "2000-01-01",
    "birthdate_to": "2005-12-31",
    "nationality": "Switzerland",
    "profile_picture": None,
    "role": "MANAGER",
    "extra_permissions": ["can_create_managed_athletes"],
    "account.athlete_profile": OMIT,
    "managerregistration.athlete_profile": OMIT,
    "create_default_athlete": False,
    "is_default_athlete": OMIT,
    "is_managed": True,
    "disabled": False,
    # Moments.
    "start_time": "2026-05-30T18:00:00.000Z",
    "end_time": "2026-05-30T19:45:00.000Z",
    "expiration_time": "2027-05-30T18:00:00.000Z",
    "start_time_from": "2026-05-01T00:00:00Z",
    "start_time_to": "2026-05-31T23:59:59Z",
    "end_time_from": "2026-05-01T00:00:00Z",
    "end_time_to": "2026-05-31T23:59:59Z",
    "activation_time_from": "2026-01-01T00:00:00Z",
    "activation_time_to": "2026-12-31T23:59:59Z",
    "time_from": "2026-05-01T00:00:00Z",
    "time_to": "2026-05-31T23:59:59Z",
    "time": "2026-05-30T18:02:11.000Z",
    "created": "2026-01-15T09:30:00.000Z",
    "at": "2026-05-30T18:00:00Z",
    "start": "2026-05-30T18:00:00.000Z",
    "stop": "2026-05-30T19:45:00.000Z",
    "start_iso": "2026-05-30T18:00:00Z",
    "stop_iso": "2026-05-30T19:45:00Z",
    "timestamp": 1780164000000,
    "datetime": "2026-05-30T18:00:00.000Z",
    "date": "2026-05-30",
    "timezone": "Europe/Zurich",
    "day": "2026-05-30",
    "is_active": True,
    # Parameters of athletes.
    "athleteparameter.name": "max_hr",
    "athleteparameterchange.name": "max_hr",
    "value": 189,
    "valid_from": "2026-01-01T00:00:00.000Z",
    "valid_until": None,
    # Devices.
    "device_name": "vest-7",
    "serial_number": "0007",
    "device_type": "vest",
    "firmware_version": "2.4.1",
    "custom_name": "Ada's vest",
    "uplink_token": "5t0RRy3k…",
    "mac_address": "02:32:f8:26:fa:ae",
    "pairing.name": "HR strap 7",
    "immediate": False,
    "immediate_sending": False,
    "current": True,
    "asi_b64": "VExERgEAAAA=",
    # Activities, time frames, results.
    "name": "Tuesday training",
    "team.name": "First team",
    "client.name": "Our AMS",
    "clientcreation.name": "Our AMS",
    "clientsecret.name": "Our AMS",
    "clientchange.name": "Our AMS",
    "jsonschema.name": "activity_soccer",
    "sport": "soccer",
    "type": "ACTIVITY",
    "json": {"sport": "soccer", "type": "training"},
    "params": {"max_hr": 190},
    "schema": {"type": "object", "properties": {"type": {"enum": ["training", "match"]}}},
    "with_device": True,
    "with_activity": True,
    "with_athlete": True,
    "timeframedetails.device_details": OMIT,
    "timeframedetails.activity_details": OMIT,
    "timeframedetails.athlete_details": OMIT,
    "edition": 3,
    "first_timestamp": 1780164000000,
    "last_timestamp": 1780170300000,
    "last_computation": 1780170312345,
    "metrics": {"total_distance": 1},
    "parameters": {"max_hr": {"value": 190, "source": "params"}},
    "input": {
        "samples": 63000,
        "streams": {"rr": 12600},
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "quality": {"level": "good", "coverage": 0.998, "reasons": []},
    "notes": [],
    "digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "computeddata.error": OMIT,
    "computeddata.stale": OMIT,
    "computeddata.moved": OMIT,
    "edition.current": True,
    "edition.stale": False,
    "because.metrics": {"total_distance": [1, 2]},
    "because.parameters": {"max_hr": [None, 190]},
    "because.samples": False,
    "moved.more": 0,
    "moved.keys": ["timePerHrZone"],
    "change.key": "total_distance",
    "change.before": 9872.4,
    "change.after": 9870.1,
    "activitysummary.error": OMIT,
    "activitysummary.revision": 5399,
    "through": 1780170300000,
    "final": True,
    "timeframes": [31, 32, 33],
    "size": 300,
    "range.size": 63000,
    "groups": ["forwards"],
    "group": "forwards",
    # Samples.
    "gnss.timestamp": 1780164000000,
    "gnss.latitude": 46.5191,
    "gnss.longitude": 6.5668,
    "gnss.altitude": 392.4,
    "gnss.speed": 4.31,
    "ecg.timestamp": 1780164000000,
    "ecg.hr": 152,
    "pwr.timestamp": OMIT,
    "pwr.pwr_instantpower": OMIT,
    "pwr.pwr_cadence": OMIT,
    "pwr.pwr_balance": OMIT,
    "run.cadence": OMIT,
    "env.temp": OMIT,
    "device.timestamp": OMIT,
    "device.standstill": OMIT,
    "device.Bat_lvl": OMIT,
    "device.distance": OMIT,
    "field.x": 12.4,
    "field.y": 31.8,
    # A series.
    "series.start": 1780164000000,
    "series.stop": 1780170300000,
    "series.t": [1780164000000, 1780164010000],
    "bucket": 10000,
    "gap": 1000,
    "samples": 63000,
    "width": 1000,
    "channel": "gnss.speed",
    "unit": "m/s",
    "channel.source": "device",
    "channel.min": [0.0, 1.2],
    "channel.mean": [0.4, 2.31],
    "channel.max": [1.1, 4.31],
    "route.t": [1780164000000, 1780164002000],
    "route.latitude": [46.5191, 46.5192],
    "route.longitude": [6.5668, 6.5669],
    "route.breaks": [],
    "devicefile.file": "(the bytes of the file)",
    "athletefile.file": "(the bytes of the file)",
    "batch": "7f0c",
    "accepted": 600,
    "duplicate": False,
    "offset_ms": -38,
    # Work and webhooks.
    "job": "0b8f5b0e-3f0c-4c3c-9d0a-6a1f5c9d2e77",
    "job_id": "0b8f5b0e-3f0c-4c3c-9d0a-6a1f5c9d2e77",
    "details": {"file": 15, "device": 3},
    "webhook_url": "https://ams.example/hooks/touchline",
    "secret_token": "whsec_c2VjcmV0IG9mIG91cnM=",
    "webhook.secret_token": "wh****",
    "activity_events": True,
    "timeframes_events": True,
    "events": None,
    "webhookgiven.events": ["activity.updated", "timeframe.computed"],
    "secret_header": "X-Secret-Token",
    "verify": False,
    "state": "active",
    "reason": None,
    "secret": "whsec_c2VjcmV0IG9mIG91cnM=",
    "event": "5d1f3d0e-8f53-4b0e-9d6f-0c5b6c1f7a10",
    "delivery.id": "5d1f3d0e-8f53-4b0e-9d6f-0c5b6c1f7a10",
    "delivery.kind": "event",
    "delivery.type": "timeframe.updated",
    "delivery.state": "delivered",
    "delivery.error": None,
    "sequence": 8121,
    "revision": 4,
    "attempts": 1,
    "status": 204,
    "next_attempt": None,
    "finished": "2026-05-30T18:02:11.120Z",
    "attempt.error": None,
    "milliseconds": 120,
    "answer": None,
    "from": "2026-05-30T00:00:00Z",
    "to": "2026-05-31T00:00:00Z",
    "planned": 12,
    "told.id": "5d1f3d0e-8f53-4b0e-9d6f-0c5b6c1f7a10",
    "told.type": "timeframe.updated",
    "told.state": "delivered",
    "told.delivered": "2026-05-30T18:02:11.120Z",
    "resource.kind": "timeframe",
    "resource.id": 108,
    "summary.delivered": 118,
    "summary.pending": 2,
    "summary.failed": 0,
    "summary.missing": 0,
    # The change feed.
    "cursor": "AQAAAAAAAB-5jpUFWw",
    "wait": 30,
    "resync": "AQAAAAAAAB-5jpUFWw",
    "event.id": "5d1f3d0e-8f53-4b0e-9d6f-0c5b6c1f7a10",
    "event.type": "timeframe.computed",
    "event.event": "timeframe.computed",
    "event.timestamp": "2026-05-30T18:02:11.120Z",
    "event.created": "2026-05-30T18:02:11.120Z",
    "event.data": {"athlete": 12, "edition": 2, "final": True},
    # Administration.
    "action": "device.create",
    "kind": "computed",
    "auditevent.kind": "device",
    "program": "Club AMS",
    "before": None,
    "after": {"device_name": "vest-7", "serial_number": "0007"},
    "grants": ["password"],
    "redirect_uris": ["https://ams.example/callback"],
    "scope": "all",
    "cors_origins": ["https://ams.example"],
    "throttle_class": "standard",
    "public": False,
    "client_id": "3f6c0e2d9b1a4c58",
    "client_secret": "p2Kq…",
    "requests": 1240,
    "refused": 0,
    # Pages.
    "page": 1,
    "limit": 150,
    "count": 1,
    "next": None,
    "previous": None,
    "search": "soccer",
    "If-Match": '"5f3ac1e09d7b4a68a4f5c1f2f0b2a9d1"',
    "Idempotency-Key": "7d1e7f0c-0007",
    # OAuth2.
    "grant_type": "password",
    "token": "4Yw…",
    "token_type_hint": "access_token",
    "refresh_token": OMIT,
    "code": OMIT,
    "redirect_uri": OMIT,
    "code_verifier": OMIT,
    "otp": OMIT,
}


class Missing(KeyError):
    """A field without an example; the guard names it (tests/guards/test_openapi_complete.py)."""


class Examples:
    """Composes examples of the schemas among ``components`` (the document's)."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def of_name(self, name: str, schema: Schema) -> Any:
        """The example of a parameter. Raises Missing."""
        found = self._of_field(name, "", schema, asked=True)
        if found is OMIT:
            raise Missing(name)
        return found

    def of(self, schema: Schema, *, asked: bool, within: str = "") -> Any:
        """An example of a body: of what is ``asked``, else of what is answered. Raises Missing."""
        if "example" in schema:
            return schema["example"]
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return self.of(self._components[name], asked=asked, within=name.lower())
        for option in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
            if option.get("type") != "null":
                return self.of(option, asked=asked, within=within)
        if "items" in schema:
            return [self.of(schema["items"], asked=asked, within=within)]
        if "properties" not in schema:
            raise Missing(within)
        hidden = "readOnly" if asked else "writeOnly"
        made = {
            name: self._of_field(name, within, inner, asked=asked)
            for name, inner in schema["properties"].items()
            if not inner.get(hidden)
        }
        return {name: value for name, value in made.items() if value is not OMIT}

    def _of_field(self, name: str, within: str, schema: Schema, *, asked: bool) -> Any:
        if "example" in schema:
            return schema["example"]
        nested = "$ref" in schema or any("$ref" in each for each in schema.get("anyOf", ()))
        word = WORDS.get(f"{within}.{name}", ...) if nested else _word(name, within)
        if word is not ...:
            allowed = schema.get("enum")
            return word if allowed is None or word in allowed or word is OMIT else allowed[0]
        if "enum" in schema:
            return schema["enum"][0]
        try:
            return self.of(schema, asked=asked, within=within)
        except Missing:
            raise Missing(f"{within}.{name}" if within else name) from None


def _word(name: str, within: str) -> Any:
    """What ``WORDS`` says of a field of the shape ``within``; ``...``: nothing."""
    if f"{within}.{name}" in WORDS:
        return WORDS[f"{within}.{name}"]
    if name != "id":
        return WORDS.get(name, ...)
    # The id of a shape is that of its noun: TimeFrameDetails.id is a ``timeframe``.
    nouns = [noun for noun in IDS if within.startswith(noun.replace("_", ""))]
    return IDS[max(nouns, key=len)] if nouns else ...
