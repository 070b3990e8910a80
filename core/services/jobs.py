"""Jobs: work that a client asked for and polls."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import NotFound
from core.models import Job
from core.models.announcements import of_job
from core.models.work import FAILURE, PENDING, SUCCESS
from core.policy import Actor

_ID = re.compile(r"\d{1,18}", re.ASCII)


def submit(
    session: Session,
    actor: Actor,
    kind: str,
    arguments: Mapping[str, Any],
    details: Mapping[str, Any],
) -> Job:
    """A job of the caller; who asks for it also owes its work in the same commit. ``details`` is
    what the client sees of it, ``arguments`` what the worker needs.
    """
    job = Job(
        job_id=f"job-{uuid4()}",
        kind=kind,
        state=PENDING,
        details=dict(details),
        arguments=dict(arguments),
        submitter_id=actor.user_id,
        created=now(),
    )
    session.add(job)
    session.flush()
    of_job(session, events.JOB_CREATED, job)
    return job


def turn(session: Session, job: Job, state: str, details: Mapping[str, Any]) -> None:
    """The job is in this state now, and says this."""
    job.state, job.details = state, dict(details)
    if state in (SUCCESS, FAILURE):
        job.finished = now()
    of_job(session, events.JOB_UPDATED, job)


def get(session: Session, actor: Actor, name: str) -> Job:
    """A job by its ``job_id`` or its id, for its submitter alone: to others it does not exist."""
    called = Job.job_id == name
    if _ID.fullmatch(name):
        called |= Job.id == int(name)
    job = session.scalar(select(Job).where(called))
    if job is None or not policy.allowed(session, actor, "job.read", job):
        raise NotFound(f"no job {name}")
    return job
