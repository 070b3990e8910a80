"""Jobs: work that a client asked for and polls."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from core.errors import NotFound
from core.models import Job
from core.models.work import PENDING
from core.policy import Actor


def submit(session: Session, actor: Actor, kind: str, arguments: Mapping[str, Any]) -> Job:
    """A job of the caller; who asks for it also owes its work in the same commit."""
    job = Job(
        job_id=f"job-{uuid4()}",
        kind=kind,
        state=PENDING,
        details={},
        arguments=dict(arguments),
        submitter_id=actor.user_id,
        created=now(),
    )
    session.add(job)
    session.flush()
    return job


def get(session: Session, actor: Actor, job_id: str) -> Job:
    """A job by its ``job_id``, for its submitter alone: to others it does not exist."""
    job = session.scalar(select(Job).where(Job.job_id == job_id, Job.submitter_id == actor.user_id))
    if job is None:
        raise NotFound(f"no job {job_id}")
    return job
