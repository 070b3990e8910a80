"""The rights matrix, second half: accounts' own affairs and Touchline's own paths."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from tests.contract.rights_rows import ATHLETE, MANAGERS_READING, OWNER, PROFILE, READERS, Row
from tests.contract.seeded import ATHLETES, MANAGERS

ADMIN = {"admin"}


def accounts() -> Iterator[Row]:
    body = {"password": "another horse"}
    for manager in ("owner", "stranger"):
        yield Row("manager.password", {manager}, {"manager": manager}, body=body)
    for athlete, self_, managing in (
        ("athlete", {"athlete"}, set[str]()),
        ("managed", set(), {"managing"}),
    ):
        at = {"athlete": athlete}
        reads = {*ATHLETE, "admin"} if self_ else {*managing, "admin"}
        managed = {"managed_by": "@me", **PROFILE}
        yield Row("athlete.password", self_, at, body=body)
        yield Row("athlete.delete", self_, at)
        yield Row("athlete.update_managed", managing, at, body=managed)
        yield Row("athlete.delete_managed", managing, at)
        yield Row("athlete.export", reads, at)
        rows = dict.fromkeys(reads, ("reading of the athlete",) if self_ else ())
        yield Row("access_log.list", reads, at, rows=rows)


def parameters() -> Iterator[Row]:
    at = {"athlete": "athlete"}
    reads = {*READERS, *ATHLETE, "admin"}
    listed = dict.fromkeys(reads, ("parameter", "older_parameter"))
    yield Row("parameter.list", reads, at, query="name=max_hr", rows=listed)
    # WRITE now and over the past that is changed.
    writes = {"owner", "writer", "athlete"}
    body: dict[str, Any] = {"value": 185, "valid_from": "2020-02-01"}
    yield Row("parameter.create", writes, at, body={**body, "name": "rest_hr", "value": 48})
    before = {**body, "name": "max_hr", "valid_from": "2018-01-01"}
    yield Row("parameter.create", {"athlete"}, at, body=before)
    yield Row("parameter.create", {"managing"}, {"athlete": "managed"}, body=before)
    for name, changes in (("parameter", writes), ("older_parameter", {"athlete"})):
        one = {**at, "parameter": name}
        yield Row("parameter.get", reads, one)
        yield Row("parameter.change", changes, one, body=body)
        yield Row("parameter.remove", changes, one)
    yield Row("parameter.change", {"athlete"}, {**at, "parameter": "parameter"}, body=before)


def administration() -> Iterator[Row]:
    yield from _device_stock()
    yield from _accounts_kept()
    rows = {"admin": ("making of the client", "change of a device")}
    yield Row("admin.audit_log", ADMIN, rows=rows)
    schema = {"sport": "tennis", "type": "ACTIVITY", "schema": {"type": "object"}}
    yield Row("admin.json_schema_create", ADMIN, body=schema)


def bulk_load() -> Iterator[Row]:
    # The vendor's own format, as far as it is known (contract/insiders.md section 10).
    file = b"ASI\x00\x00\x00\x10\x04\x04\x06ASI V2"
    body = {"asi_b64": b64encode(file).decode()}
    yield Row("device.bulk_load", {"owner"}, {"device": "device"}, body=body)


def deliveries() -> Iterator[Row]:
    at, reads = {"webhook": "webhook"}, {*OWNER, "admin"}
    told = dict.fromkeys(reads, ("told_event",))
    yield Row("delivery.list", reads, at, rows=told)
    yield Row("webhook.reconcile", reads, at, query="from=2020-01-01T00:00:00Z", rows=told)
    yield Row("delivery.redeliver", {"owner"}, {**at, "event": "told_event"})
    year = {"from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"}
    yield Row("webhook.redeliver", {"owner"}, at, body=year)
    yield Row("webhook.test", {"owner"}, at)
    yield Row("webhook.enable", {"owner"}, at)


def changes() -> Iterator[Row]:
    people = {*MANAGERS_READING, *ATHLETE, "other_athlete"}
    rows = {name: [f"event of {name}"] for name in MANAGERS}
    things = ("match_activity", "match_frame", "job")
    rows["owner"] += ["event of device", *(f"event of {thing}" for thing in things)]
    rows["former"] += ["event of ownership of former"]
    rows["managing"] += ["event of managed"]
    rows["reader"] += ["event of athlete", "event of READ of reader", "event of result"]
    rows["late_reader"] += ["event of athlete"]  # READ begins after the match did
    rows["lapsed"] += ["event of result"]
    rows["owner_read_only"] = rows["owner"]
    for name in ATHLETE:
        told = ("athlete", "READ of reader", "match_frame", "result")
        rows[name] = [f"event of {thing}" for thing in told]
    rows["other_athlete"] = ["event of other_athlete"]
    everybody = (*MANAGERS, *ATHLETES, "admin", "READ of reader", "device", "ownership of former")
    listed = (*everybody, *things[:2], "result", things[2])
    rows["admin"] = ["told_event", *(f"event of {thing}" for thing in listed)]
    yield Row("change.list", people, rows={name: tuple(told) for name, told in rows.items()})


def series() -> Iterator[Row]:
    at = {"timeframe": "match_frame"}
    may = {*OWNER, *ATHLETE, "admin"}  # READ on the athlete is no right to a device's samples
    yield Row("timeframe.series", may, at)
    yield Row("timeframe.series", may, at, query="start=2020-05-30T21:00:00Z&width=100")
    yield Row("timeframe.series", {"managing", "admin"}, {"timeframe": "managed_frame"})


def teams() -> Iterator[Row]:
    reads, at = {"reader", "admin"}, {"team": "team"}
    listed = dict.fromkeys(reads, ("team",))
    yield Row("team.list", MANAGERS_READING, rows=listed)
    body: dict[str, Any] = {"name": "Second team", "groups": ["Defence"]}
    yield Row("team.create", set(MANAGERS), body=body)
    yield Row("team.get", reads, at)
    yield Row("team.update", {"reader"}, at, body=body)
    yield Row("team.delete", {"reader"}, at)
    yield Row("team.member_list", reads, at, rows=dict.fromkeys(reads, ("member",)))
    window = {"start_time": "2021-01-01T00:00:00Z", "end_time": "2022-01-01T00:00:00Z"}
    body = {"athlete": "@athlete", **window}
    yield Row("team.member_add", {"reader"}, at, body=body)
    # READ on the athlete is needed, too.
    yield Row("team.member_add", set(), at, body={**body, "athlete": "@other_athlete"})
    one = {**at, "member": "member"}
    yield Row("team.member_change", {"reader"}, one, body={**window, "groups": ["Defence"]})
    yield Row("team.member_remove", {"reader"}, one)


def _device_stock() -> Iterator[Row]:
    rows = {"admin": ("device", "free_device", "managed_device")}
    yield Row("admin.device_list", ADMIN, rows=rows)
    body: dict[str, Any] = {"device_name": "new", "serial_number": "new-serial"}
    yield Row("admin.device_create", ADMIN, body=body)
    csv = "device_name,serial_number\nnew,new-serial\n"
    yield Row("admin.device_create_many", ADMIN, text=(csv, "text/csv"))
    yield Row("admin.device_change", ADMIN, {"device": "device"}, body={"firmware_version": "2.0"})
    yield Row("admin.device_rotate_token", ADMIN, {"device": "device"})
    ownership = {
        "device": "@free_device",
        "manager": "@owner",
        "start_time": "2020-01-01T00:00:00Z",
        "end_time": "2021-01-01T00:00:00Z",
    }
    yield Row("admin.ownership_create", ADMIN, body=ownership)


def _accounts_kept() -> Iterator[Row]:
    at = {"user": "stranger"}
    people = {"admin": (*MANAGERS, *ATHLETES, "admin")}
    yield Row("admin.user_list", ADMIN, rows=people)
    new = {"username": "new", "email": "new@club.example", "role": "MANAGER"}
    yield Row("admin.user_create", ADMIN, body=new)
    yield Row("admin.user_get", ADMIN, at)
    yield Row("admin.user_password_link", ADMIN, at)
    yield Row("admin.user_change", ADMIN, at, body={"disabled": True})
    at = {"client": "client"}
    yield Row("admin.client_list", ADMIN, rows={"admin": ("client",)})
    yield Row("admin.client_create", ADMIN, body={"name": "new", "grants": ["password"]})
    yield Row("admin.client_get", ADMIN, at)
    yield Row("admin.client_change", ADMIN, at, body={"name": "renamed"})
    yield Row("admin.client_rotate_secret", ADMIN, at)
    yield Row("admin.client_usage", ADMIN, at)
