"""Notices, in the commit that does it, that somebody may change what somebody may read: so no
service can forget to tell those who are reading.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from .activities import Activity, TimeFrame
from .devices import Device, DeviceOwnership
from .users import Permission, User

CHANGED = "rights changed"  # in ``Session.info``

# A device's row changes with every batch: only its end counts.
_ROWS = (Activity, TimeFrame, DeviceOwnership, Permission, User)
_KINDS: frozenset[type[Any]] = frozenset((*_ROWS, Device))


class Watched(Session):
    """A session that sets ``CHANGED`` in its info once it changes such rows."""


@event.listens_for(Watched, "after_flush")
def _flushed(session: Session, _: Any) -> None:
    if any(isinstance(row, _ROWS) for row in (*session.new, *session.dirty, *session.deleted)):
        session.info[CHANGED] = True


@event.listens_for(Watched, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    mapper = state.bind_mapper
    if mapper is not None and (
        mapper.class_ in _ROWS or (state.is_delete and mapper.class_ in _KINDS)
    ):
        state.session.info[CHANGED] = True
