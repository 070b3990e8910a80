"""Jobs: the state of work that takes longer than a request."""

import marshmallow as ma
from marshmallow import fields, validate

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.models import Job
from core.models.work import FAILURE, PENDING, STARTED, SUCCESS
from core.policy import Actor
from core.services import jobs

blueprint = Blueprint(
    "jobs",
    __name__,
    url_prefix="/api/v1",
    description="A job is there for who submitted it; to all others it does not exist.",
)


class JobShape(ma.Schema):
    """``details`` grows while the job runs; of a FAILURE it has the ``reason``."""

    id = fields.Integer()
    job_id = fields.String()
    state = fields.String(validate=validate.OneOf([PENDING, STARTED, SUCCESS, FAILURE]))
    details = fields.Dict()


@blueprint.route("/jobs/<string:job>/info/")
@authenticated()
@blueprint.response(200, JobShape)
def get_job(actor: Actor, job: str) -> Job:
    """How far is a job? ``job`` is its ``job_id``, or its ``id``."""
    return platform().db.read(lambda session: jobs.get(session, actor, job))
