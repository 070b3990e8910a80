"""The first page of administration, and how the work stands: for an operator at 3 a.m."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.api.admin_pages import administrator, page, section
from core.api.platform import platform
from core.policy import Actor
from core.services import (
    admin_users,
    clients,
    delivery_state,
    device_stock,
    second_factor,
    work_state,
)
from core.services.work_state import Awake, Topic

# What is owed, in words; by the topics of core.models.outbox.
WORDS = {
    "tick": "advance running activities",
    "refold": "compute a time frame anew",
    "close": "compute a time frame that has ended",
    "import": "read an uploaded file",
    "delete": "remove a deleted athlete's data",
    "mail": "send mail",
    "merge": "seal samples into blocks",
    "deliver": "send webhooks",
}

blueprint = section("work", __name__)


@dataclass(frozen=True)
class Finding:
    """Something that needs somebody: what it is, where more is said, what to do."""

    what: str
    path: str
    do: str


@blueprint.get("/")
def overview() -> Any:
    actor, app = administrator(), platform()

    def read(session: Session) -> dict[str, Any]:
        assert actor.user_id is not None
        factor = second_factor.of(session, actor.user_id)
        return {
            "topics": work_state.topics(session, actor),
            "frames": work_state.held_frames(session, actor)[1],
            "jobs": work_state.failed_jobs(session, actor)[1],
            "lame": delivery_state.disabled(session, actor),
            "counts": _counts(session, actor),
            "protected": factor is not None and factor.confirmed is not None,
        }

    known = app.db.read(read)
    found = [
        *_of_processes(work_state.awake(app.redis)),
        *_of_work(known["topics"], known["frames"], known["jobs"]),
        *_of_webhooks(known["lame"]),
        *_of_sports(),
    ]
    return page("overview.html", findings=found, **known)


@blueprint.get("/work/")
def work() -> Any:
    actor, app = administrator(), platform()
    return page("work.html", words=WORDS, **_state(actor), awake=work_state.awake(app.redis))


def _state(actor: Actor) -> dict[str, Any]:
    def read(session: Session) -> dict[str, Any]:
        frames, frame_count = work_state.held_frames(session, actor)
        jobs, job_count = work_state.failed_jobs(session, actor)
        return {
            "topics": work_state.topics(session, actor),
            "frames": frames,
            "frame_count": frame_count,
            "jobs": jobs,
            "job_count": job_count,
        }

    return platform().db.read(read)


@blueprint.get("/sports/")
def sports() -> Any:
    return page("sports.html", states=platform().registry.states())


def _counts(session: Session, actor: Actor) -> list[tuple[str, int, str]]:
    """Name, how many, and the page where they are."""
    people = admin_users.counts(session, actor)
    devices = session.scalar(_number(device_stock.listing(actor))) or 0
    programs = session.scalar(_number(clients.listing(actor))) or 0
    return [
        *((f"{role.title()}s", people[role], f"/admin/users/?role={role}") for role in people),
        ("Devices", devices, "/admin/devices/"),
        ("Clients", programs, "/admin/clients/"),
    ]


def _number(statement: Select[Any]) -> Select[int]:
    return select(func.count()).select_from(statement.subquery())


def _of_processes(awake: Awake | None) -> list[Finding]:
    path = "/admin/work/"
    if awake is None:
        return [Finding("Redis does not answer", path, "Nothing is lost; start it again.")]
    found = []
    if not awake.relay:
        found.append(Finding("No relay is alive", path, "Owed work waits: touchline relay"))
    if not awake.workers:
        found.append(Finding("No worker is alive", path, "Owed work waits: touchline worker"))
    if not awake.deliverers:
        do = "Webhooks wait: touchline worker --queues deliver"
        found.append(Finding("No deliverer is alive", path, do))
    return found


def _of_work(topics: list[Topic], frames: int, jobs: int) -> list[Finding]:
    path, found = "/admin/work/", []
    overdue = sum(topic.overdue for topic in topics)
    if overdue:
        found.append(Finding(f"Overdue work: {overdue}", path, "Are there workers enough?"))
    if frames:
        found.append(Finding(f"Time frames with an error: {frames}", path, "Each says why."))
    if jobs:
        found.append(Finding(f"Failed jobs: {jobs}", path, "Each says why."))
    return found


def _of_webhooks(disabled: int) -> list[Finding]:
    if not disabled:
        return []
    do = "Their receivers failed for days; the owners were told by mail."
    path = "/admin/deliveries/?state=disabled"
    return [Finding(f"Disabled webhooks: {disabled}", path, do)]


def _of_sports() -> list[Finding]:
    return [
        Finding(f"The sport {state.name} failed to load", "/admin/sports/", state.reason or "")
        for state in platform().registry.states()
        if state.state == "failed"
    ]
