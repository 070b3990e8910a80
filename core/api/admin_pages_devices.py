"""Devices and who owned them when, as pages for administrators."""

from typing import Any

from flask import redirect, request
from sqlalchemy.orm import Session

from core.api import forms
from core.api.admin import ALL_DEVICES, DeviceChangeShape
from core.api.admin_pages import administrator, listed, page, section
from core.api.devices import DeviceShape
from core.api.ownerships import OwnershipShape
from core.api.platform import platform
from core.clock import FAR_FUTURE, to_iso
from core.errors import BadInput, NotFound, TouchlineError
from core.models import DeviceOwnership
from core.services import admin_users, device_stock, devices, ownerships

PATH = "/admin/devices/"
DONE = {"changed": "The change is stored.", "owned": "The ownership is stored."}

blueprint = section("devices", __name__)


@blueprint.get("/devices/")
def show_all() -> Any:
    actor = administrator()

    def read(session: Session) -> dict[str, Any]:
        shown = listed(session, ALL_DEVICES, device_stock.listing(actor), request.args)
        ids = [device.id for device in shown["found"]["results"]]
        return {**shown, "owners": device_stock.owners(session, actor, ids)}

    shown = platform().db.read(read)
    return page("devices.html", 400 if shown["failed"] else 200, **shown)


@blueprint.get("/devices/new/")
def creation() -> Any:
    return _creation(200, {}, {})


@blueprint.post("/devices/new/")
def create() -> Any:
    actor, given = administrator(), forms.filled(*device_stock.COLUMNS)
    try:
        body = forms.read(DeviceShape(), given)
        made = platform().db.write(lambda session: devices.create(session, actor, **body))
    except TouchlineError as error:
        return _creation(error.status, given, forms.faults(error))
    return page("device_tokens.html", made=[made], rotated=False)


def _creation(status: int, given: dict[str, Any], faults: dict[str, str]) -> Any:
    return page("device_new.html", status, given=given, faults=faults)


@blueprint.get("/devices/bulk/")
def bulk() -> Any:
    return _bulk()


@blueprint.post("/devices/bulk/")
def create_many() -> Any:
    """From a file, or from what was pasted."""
    actor, text = administrator(), request.form.get("csv", "")
    try:
        rows = device_stock.read_csv(_uploaded() or text)
        made = platform().db.write(lambda session: device_stock.create_many(session, actor, rows))
    except TouchlineError as error:
        return _bulk(error.status, _rows_in_words(error), text)
    return page("device_tokens.html", made=made, rotated=False)


def _uploaded() -> str:
    file = request.files.get("file")
    try:
        return file.read().decode("utf-8") if file else ""
    except UnicodeDecodeError:
        raise BadInput("the file is not UTF-8") from None


def _rows_in_words(error: TouchlineError) -> list[str]:
    """People count lines of a file from 1, and the first names the columns."""
    said = []
    for fault in error.errors:
        row, _, column = fault["pointer"].removeprefix("/").partition("/")
        where = f"line {int(row) + 2}" + (f", {column}" if column else "")
        said.append(f"{where}: {fault['detail']}")
    return said or [error.detail]


def _bulk(status: int = 200, failed: list[str] | None = None, text: str = "") -> Any:
    columns, most = device_stock.COLUMNS, device_stock.MOST_ROWS
    return page(
        "device_bulk.html", status, columns=columns, most=most, faults=failed or [], text=text
    )


@blueprint.get("/devices/<int:device>/")
def show(device: int) -> Any:
    return _device(device)


def _device(device_id: int, status: int = 200, failed: str = "", **more: Any) -> Any:
    actor = administrator()

    def read(session: Session) -> dict[str, Any]:
        device = devices.get(session, actor, device_id)
        return {"device": device, "owned": device_stock.history(session, actor, device_id)}

    known = platform().db.read(read)
    shown = {"given": {}, "faults": {}, "far": FAR_FUTURE, **known, **more}
    done = DONE.get(request.args.get("done", ""), "")
    return page("device.html", status, failed=failed, done=done, **shown)


@blueprint.post("/devices/<int:device>/")
def change(device: int) -> Any:
    actor = administrator()
    given = {name: request.form.get(name, "").strip() or None for name in device_stock.COLUMNS[2:]}
    try:
        changes = forms.read(DeviceChangeShape(), given)
        platform().db.write(lambda s: device_stock.change(s, actor, device, changes))
    except TouchlineError as error:
        return _device(device, error.status, error.detail)
    return redirect(f"{PATH}{device}/?done=changed", 303)


@blueprint.post("/devices/<int:device>/rotate-token/")
def rotate_token(device: int) -> Any:
    actor, app = administrator(), platform()
    try:
        made = app.db.write(lambda session: devices.rotate_token(session, actor, device))
    except TouchlineError as error:
        return _device(device, error.status, error.detail)
    app.tokens.forget()
    return page("device_tokens.html", made=[made], rotated=True)


@blueprint.post("/devices/<int:device>/own/")
def own(device: int) -> Any:
    actor, given = administrator(), forms.filled("manager", "start_time", "end_time")
    body = {"device": device, "start_time": forms.moment("start_time")}
    body["end_time"] = forms.moment("end_time") or to_iso(FAR_FUTURE)

    def store(session: Session) -> DeviceOwnership:
        manager = _manager(session, given.get("manager", ""))
        checked = forms.read(OwnershipShape(), {**body, "manager": manager})
        return ownerships.create(
            session, actor, device, manager, checked["start_time"], checked["end_time"]
        )

    try:
        platform().db.write(store)
    except TouchlineError as error:
        faults = forms.faults(error)
        failed = "" if faults.keys() & {"manager", "start_time", "end_time"} else error.detail
        return _device(device, error.status, failed, given=given, faults=faults)
    return redirect(f"{PATH}{device}/?done=owned", 303)


def _manager(session: Session, username: str) -> int:
    try:
        return admin_users.named(session, username)
    except NotFound:
        raise BadInput.at("/manager", "no account has this username") from None
