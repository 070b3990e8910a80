"""Who may do what, as data: every operation × everyone (contract/insiders.md section 7 with
contract/touchline.md section 10). The people and things are those of tests/contract/seeded.py, how
to read a row says tests/contract/rights_rows.py.
"""

from collections.abc import Iterator
from typing import Any

from tests.contract import rights_ours
from tests.contract.rights_rows import (
    ATHLETE,
    EVERY_MANAGER,
    MANAGERS_READING,
    OWNER,
    PEOPLE,
    PROFILE,
    READERS,
    Row,
)

WINDOW = {"start_time": "2020-02-01T00:00:00Z", "expiration_time": "2020-03-01T00:00:00Z"}
BEFORE = {"start_time": "2019-02-01T00:00:00Z", "expiration_time": "2019-03-01T00:00:00Z"}
MATCH = {"start_time": "2020-05-30T20:00:00Z", "end_time": "2020-05-30T22:00:00Z"}
TENNIS = {"sport": "tennis", "type": "match"}


def _activity(owner: str) -> dict[str, Any]:
    return {"name": "final", "json": TENNIS, "json_schema": "@activity_schema", "owner": owner}


def _frame(**changes: Any) -> dict[str, Any]:
    return {
        **MATCH,
        "params": {},
        "device": "@device",
        "activity": "@match_activity",
        "athlete": "@athlete",
        "owner": "@me",
        "json_schema": "@timeframe_schema",
        **changes,
    }


def _batch(number: int) -> dict[str, Any]:
    columns = {"gnss.timestamp": [1590868800000 + number], "gnss.speed": [3.2]}
    return {"batch": f"batch-{number}", "columns": columns}


def _accounts() -> Iterator[Row]:
    account = {*MANAGERS_READING, *ATHLETE, "other_athlete"}
    yield Row("account.get", account)
    new = {"username": "new", "email": "new@club.example", "password": "correct horse"}
    yield Row("manager.create", set(), body=new)
    yield Row("athlete.create", set(), body=new)
    for manager in ("owner", "stranger"):
        himself = {manager, f"{manager}_read_only"} & set(PEOPLE)
        at = {"manager": manager}
        asked = f"external-id={manager}-ext"
        yield Row("manager.by_external_id", {*himself, "admin"}, query=asked)
        yield Row("manager.get", {*himself, "admin"}, at)
        body = {"username": manager, "email": "moved@club.example"}
        yield Row("manager.update", {manager}, at, body=body)


def _athletes() -> Iterator[Row]:
    listed = {
        **dict.fromkeys(READERS, ("athlete",)),
        "managing": ("managed",),
        "admin": ("athlete", "other_athlete", "managed"),
    }
    yield Row("athlete.list", MANAGERS_READING, rows=listed)
    only = {"managing": ("managed",), "admin": ("managed",)}
    yield Row("athlete.list", MANAGERS_READING, query="is_managed=true", rows=only)
    for manager, may in (("managing", {"managing"}), ("owner", set())):
        body = {"managed_by": f"@{manager}", **PROFILE}
        yield Row("athlete.create_managed", may, body=body)
    for athlete, may in (
        ("athlete", {*READERS, *ATHLETE, "admin"}),
        ("other_athlete", {"other_athlete", "admin"}),
        ("managed", {"managing", "admin"}),
    ):
        yield Row("athlete.by_external_id", may, query=f"external-id={athlete}-ext")
        yield Row("athlete.get", may, {"athlete": athlete})
    for athlete, may in (("athlete", {"athlete"}), ("managed", set())):
        body = {"username": athlete, "email": "moved@club.example", **PROFILE}
        yield Row("athlete.update", may, {"athlete": athlete}, body=body)


def _permissions() -> Iterator[Row]:
    rights = {
        "athlete": tuple(
            f"{right} of {manager}"
            for manager, right in (
                ("owner", "WRITE"),
                ("reader", "READ"),
                ("late_reader", "READ"),
                ("lapsed", "READ"),
                ("writer", "WRITE"),
                ("sharer", "SHARE"),
            )
        ),
        "managed": tuple(f"{right} of managing" for right in ("READ", "WRITE", "SHARE")),
    }
    for athlete, manager, acts, reads in (
        ("athlete", "reader", {"athlete"}, {*ATHLETE, "admin"}),
        ("managed", "managing", {"managing"}, {"managing", "admin"}),
    ):
        at = {"athlete": athlete}
        pair = {**at, "manager": manager}
        every = dict.fromkeys(reads, rights[athlete])
        his = tuple(right for right in rights[athlete] if right.endswith(f" {manager}"))
        yield Row("permission.list_all", reads, at, rows=every)
        yield Row("permission.list_manager", reads, pair, rows=dict.fromkeys(reads, his))
        to = {**at, "manager": "stranger"}
        shares = {"sharer"} if athlete == "athlete" else set()
        for span, also in ((WINDOW, shares), (BEFORE, set())):
            given = {**span, "permission": "READ"}
            yield Row("permission.create", acts | also, to, body=given)
        for right in ("WRITE", "SHARE"):
            yield Row("permission.create", acts, to, body={**WINDOW, "permission": right})
        yield Row("permission.revoke_all", acts, pair)
        one = {**pair, "permission": f"READ of {manager}"}
        yield Row("permission.revoke", acts, one)


def _devices() -> Iterator[Row]:
    everything = ("device", "free_device", "managed_device")
    ever = {
        **dict.fromkeys(OWNER, ("device",)),
        "former": ("device",),
        "managing": ("managed_device",),
        "admin": everything,
    }
    now = {**ever, "former": ()}
    yield Row("device.list", MANAGERS_READING, rows=ever)
    yield Row("device.list", MANAGERS_READING, query="current=true", rows=now)
    at = {"device": "device"}
    taken = dict.fromkeys(EVERY_MANAGER - {"owner"}, 400)
    for device, may, else_ in (("free_device", EVERY_MANAGER, {}), ("device", {"owner"}, taken)):
        body = {"serial_number": f"{device}-serial", "device_name": device}
        yield Row("device.take_ownership", may, body=body, else_=else_)
        yield Row("device.take_ownership_legacy", may, {"device": device}, else_=else_)
    yield Row("device.get", {*OWNER, "admin"}, at)
    yield Row("device.get", {"admin"}, {"device": "free_device"})
    yield Row("device.set_custom_name", {"owner"}, at, body={"custom_name": "No. 7"})
    yield Row("device.release_ownership", {"owner"}, at)
    owned = {
        **dict.fromkeys(OWNER, ("ownership of owner",)),
        "former": ("ownership of former",),
        "managing": ("ownership of managing",),
        "admin": ("ownership of former", "ownership of owner", "ownership of managing"),
    }
    yield Row("ownership.list", MANAGERS_READING, rows=owned)
    for name, may in (("former", {"former", "admin"}), ("owner", {*OWNER, "admin"})):
        yield Row("ownership.get", may, {"device_ownership": f"ownership of {name}"})
    yield Row("device.bluetooth_get", {*OWNER, "admin"}, at)
    pairing = {"pairing_1": {"mac_address": "02:32:f8:26:fa:ae", "name": "strap"}}
    yield Row("device.bluetooth_patch", {"owner"}, at, body=pairing)
    yield Row("bluetooth.device_get", {"owner", "device"}, at)
    report = {"bluetooth": {"current": pairing}}
    yield Row("bluetooth.device_report", {"owner", "device"}, at, body=report)
    yield Row("bluetooth.device_get", set(), {"device": "free_device"})


def _activities() -> Iterator[Row]:
    yield Row("schema.list", MANAGERS_READING)
    yield Row("schema.get", MANAGERS_READING, {"json_schema": "timeframe_schema"})
    listed = {
        **dict.fromkeys(OWNER, ("match_activity", "later_activity")),
        "managing": ("managed_activity",),
        "admin": ("match_activity", "later_activity", "managed_activity"),
    }
    yield Row("activity.list", MANAGERS_READING, rows=listed)
    yield Row("activity.create", EVERY_MANAGER, body=_activity("@me"))
    # Another as the owner is bad input, not a missing right.
    others = dict.fromkeys(EVERY_MANAGER - {"owner"}, 400)
    yield Row("activity.create", {"owner"}, body=_activity("@owner"), else_=others)
    at = {"activity": "match_activity"}
    yield Row("activity.get", {*OWNER, "admin"}, at)
    yield Row("activity.update", {"owner"}, at, body=_activity("@owner"))
    yield Row("activity.delete", {"owner"}, at)
    hooks = dict.fromkeys({*OWNER, "admin"}, ("webhook",))
    body = {
        "webhook_url": "https://club.example/other",
        "secret_token": "another secret",
        "activity_events": True,
        "timeframes_events": True,
    }
    one = {**at, "webhook": "webhook"}
    yield Row("webhook.list", set(hooks), at, rows=hooks)
    yield Row("webhook.create", {"owner"}, at, body=body)
    yield Row("webhook.get", set(hooks), one)
    yield Row("webhook.update", {"owner"}, one, body=body)
    yield Row("webhook.delete", {"owner"}, one)
    yield Row("webhook.rotate_secret", {"owner"}, one, body={"secret_token": "a third"})


def _timeframes() -> Iterator[Row]:
    own = dict.fromkeys({*OWNER, *ATHLETE}, ("match_frame", "later_frame"))
    listed = {
        **own,
        "managing": ("managed_frame",),
        "admin": ("match_frame", "later_frame", "managed_frame"),
    }
    people = {*MANAGERS_READING, *ATHLETE, "other_athlete"}
    yield Row("timeframe.list", people, rows=listed)
    yield Row("timeframe.create", {"owner"}, body=_frame())
    # WRITE and ownership of the device, both, over the whole interval.
    for body in (
        _frame(start_time="2020-02-01T00:00:00Z", end_time="2020-02-02T00:00:00Z"),
        _frame(start_time="2020-02-29T00:00:00Z", end_time="2020-03-02T00:00:00Z"),
        _frame(start_time="2019-12-01T00:00:00Z", end_time="2019-12-02T00:00:00Z"),
        _frame(device="@managed_device"),
        _frame(athlete="@managed"),
        _frame(activity="@managed_activity"),
    ):
        yield Row("timeframe.create", set(), body=body)
    for frame, reads, changes in (
        ("match", {*OWNER, *ATHLETE, "admin"}, {"owner"}),
        ("managed", {"managing", "admin"}, {"managing"}),
    ):
        at = {"timeframe": f"{frame}_frame"}
        yield Row("timeframe.get", reads, at)
        yield Row("timeframe.patch", changes, at, body={"params": {}})
        yield Row("timeframe.delete", changes, at)
    at = {"timeframe": "match_frame"}
    # Another as the owner is bad input; that it is not theirs to change comes first.
    yield Row("timeframe.update", {"owner"}, at, body=_frame())
    yield Row("timeframe.patch", set(), at, body={"device": "@managed_device"})


def _computed() -> Iterator[Row]:
    for name, may, over_all in (
        ("match", {"reader", "lapsed", "admin", *ATHLETE}, {"reader", "lapsed", "admin"}),
        ("later", {*READERS, "admin", *ATHLETE}, {*READERS, "admin"}),
        ("managed", {"managing", "admin"}, {"managing", "admin"}),
    ):
        yield Row("computed.timeframe", may, {"timeframe": f"{name}_frame"})
        yield Row(
            "computed.timeframe",
            set(),
            {"timeframe": f"{name}_frame"},
            query="edition=1",
            else_=dict.fromkeys(may, 404),
        )
        yield Row("computed.editions", may, {"timeframe": f"{name}_frame"})
        yield Row("timeframe.replay", may, {"timeframe": f"{name}_frame"})
        yield Row("computed.activity", over_all, {"activity": f"{name}_activity"})
        yield Row("summary.get", over_all, {"activity": f"{name}_activity"})


def _preprocessed() -> Iterator[Row]:
    at = {"device": "device"}
    yield Row("preprocessed.latest_timestamp", {*OWNER, "admin"}, at)
    yield Row("preprocessed.latest", {*OWNER, "admin"}, at, query="size=1")
    for start, stop, may in (
        ("2020-05-30T20:00:00Z", "2020-05-30T22:00:00Z", {*OWNER, *ATHLETE, "admin"}),
        ("2020-05-30T20:00:00Z", "2020-05-30T22:00:00.001Z", {*OWNER, "admin"}),
        ("2020-02-28T00:00:00Z", "2020-02-29T00:00:00Z", {"former", "admin"}),
        ("2020-02-29T12:00:00Z", "2020-03-01T12:00:00Z", {"admin"}),
    ):
        asked = f"start={start}&stop={stop}"
        yield Row("preprocessed.ranges", may, at, query=asked)
        yield Row("preprocessed.list", may, at, query=asked)


def _work() -> Iterator[Row]:
    at = {"device": "device"}
    yield Row("sample.send", {"owner", "device"}, at, body=_batch(1))
    yield Row("sample.send", {"managing"}, {"device": "managed_device"}, body=_batch(2))
    file = {"date": "2020-05-30"}
    yield Row("file.add_to_device", {"owner"}, at, form=file)
    yield Row("file.add_to_athlete", {"managing"}, {"athlete": "managed"}, form=file)
    # Of the athlete's own upload nobody would be the owner, as nobody manages them.
    alone = {"athlete": 400}
    at = {"athlete": "athlete"}
    yield Row("file.add_to_athlete", {"owner", "writer"}, at, form=file, else_=alone)
    may = {*OWNER, "former", "admin"}
    yield Row("file.get_of_device", may, {"device": "device", "file": "device_file"})
    may = {*ATHLETE, "writer", "admin"}
    yield Row("file.get_of_athlete", may, {**at, "file": "athlete_file"})
    yield Row("job.get", OWNER, {"job": "job"}, refused=404, else_={"device": 403})


ROWS = (
    *_accounts(),
    *_athletes(),
    *_permissions(),
    *_devices(),
    *_activities(),
    *_timeframes(),
    *_computed(),
    *_preprocessed(),
    *_work(),
    *rights_ours.accounts(),
    *rights_ours.bulk_load(),
    *rights_ours.parameters(),
    *rights_ours.teams(),
    *rights_ours.series(),
    *rights_ours.deliveries(),
    *rights_ours.changes(),
    *rights_ours.administration(),
)
