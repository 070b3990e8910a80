"""Files: recordings as they came out of a watch or a tracker, for a device or for an athlete."""

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any
from unicodedata import category

import marshmallow as ma
from flask import Request, Response, request, send_file
from flask_smorest.fields import Upload
from marshmallow import fields
from werkzeug.datastructures import CombinedMultiDict, FileStorage

from core.api.guard import authenticated
from core.api.jobs import JobShape
from core.api.parsing import Blueprint, Parser
from core.api.platform import platform
from core.api.shapes import BYTES, QueryInteger, Shape
from core.errors import BadInput, UnsupportedMedia
from core.models import Job, UploadedFile
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.policy import Actor
from core.services import files

MULTIPART = "multipart/form-data"
MEBIBYTE = 2**20


class FilePart(Upload):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ma.ValidationError("must be a file, not a text")
        return value


class DeviceFileShape(Shape):
    """``date`` and ``timezone`` for formats that carry only the time of day."""

    file = FilePart(required=True)
    date = fields.String()
    timezone = fields.String()


class AthleteFileShape(DeviceFileShape):
    """``activity``: one of yours, to which the time frames are added."""

    activity = QueryInteger()
    sport = fields.String()


class MultipartParser(Parser):
    """Fields and file parts of a form are checked, and documented, as one shape."""

    def load_form(self, req: Request, schema: ma.Schema) -> Any:
        sent: CombinedMultiDict[str, Any] = CombinedMultiDict([req.form, req.files])
        for name, values in sent.lists():
            if len(values) > 1:
                raise BadInput.at(f"/{name}", "stands in the form more than once")
        return self._makeproxy(sent, schema)


class MultipartBlueprint(Blueprint):
    ARGUMENTS_PARSER = MultipartParser()


blueprint = MultipartBlueprint(
    "files",
    __name__,
    url_prefix="/api/v1",
    description="Uploads are kept byte for byte; a job makes samples and time frames of them.",
)


def large_body(route: Callable[..., Any]) -> Callable[..., Any]:
    """Allow a body as large as a file may be, before anything reads it."""

    @wraps(route)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if request.mimetype != MULTIPART:
            raise UnsupportedMedia(f"a file comes as {MULTIPART}, in the part named file")
        request.max_content_length = platform().config.max_file_mb * MEBIBYTE
        return route(*args, **kwargs)

    return wrapped


def _stored(upload: FileStorage) -> dict[str, Any]:
    """Keep the bytes, before the commit that speaks of them."""
    data = upload.stream.read()
    if not data:
        raise BadInput.at("/file", "the file is empty")
    app = platform()
    seen = "".join(one for one in upload.filename or "" if not category(one).startswith("C"))
    name = seen.replace("\\", "/").rpartition("/")[2]
    return {
        "name": name or "upload",
        "sha256": app.offload(lambda: app.objects.put(data)),
        "size": len(data),
    }


def _bytes(file: UploadedFile) -> Response:
    app = platform()
    data = app.offload(lambda: app.objects.get(file.sha256))
    return send_file(
        BytesIO(data),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=file.name,
        etag=file.sha256,
    )


@blueprint.route("/devices/<int:device>/files/", methods=["POST"])
@authenticated(MANAGER)
@large_body
@blueprint.arguments(DeviceFileShape, location="form", content_type=MULTIPART)
@blueprint.response(202, JobShape)
def upload_for_device(actor: Actor, form: dict[str, Any], device: int) -> Job:
    """Store a file's samples with a device that you own now."""
    app = platform()
    app.db.read(lambda session: files.may_add_for_device(session, actor, device))
    stored = _stored(form.pop("file"))
    return app.db.write(lambda s: files.add_for_device(s, actor, device, stored, **form))


@blueprint.route("/athletes/<int:athlete>/files/", methods=["POST"])
@authenticated(MANAGER, ATHLETE)
@large_body
@blueprint.arguments(AthleteFileShape, location="form", content_type=MULTIPART)
@blueprint.response(202, JobShape)
def upload_for_athlete(actor: Actor, form: dict[str, Any], athlete: int) -> Job:
    """Make device, activity, time frames and results of a file: with WRITE now, or yourself."""
    app = platform()
    app.db.read(lambda session: files.may_add_for_athlete(session, actor, athlete))
    stored = _stored(form.pop("file"))
    return app.db.write(
        lambda s: files.add_for_athlete(s, actor, app.registry, athlete, stored, **form)
    )


@blueprint.route("/devices/<int:device>/files/<int:file>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, BYTES, content_type="application/octet-stream")
def get_device_file(actor: Actor, device: int, file: int) -> Response:
    """The bytes as they came: for who uploaded them, and for the device's owner now."""
    return _bytes(platform().db.read(lambda s: files.of_device(s, actor, device, file)))


@blueprint.route("/athletes/<int:athlete>/files/<int:file>/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.response(200, BYTES, content_type="application/octet-stream")
def get_athlete_file(actor: Actor, athlete: int, file: int) -> Response:
    """The bytes as they came: for who uploaded them, and for the athlete."""
    return _bytes(platform().db.read(lambda s: files.of_athlete(s, actor, athlete, file)))
