"""Parameters of athletes that change over time: thresholds, heart rates, weight."""

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column

from .base import LASTING, Base, moment, pk


class AthleteParameter(Base):
    """What one parameter of an athlete is worth from ``valid_from`` on, until the next row of the
    same name; ``value`` None: unset from then on. ``name`` is that of the sports' schemas.
    ``valid_until`` is where the next row begins, None for the newest.
    """

    __tablename__ = "athlete_parameter"
    __table_args__ = (UniqueConstraint("athlete_id", "name", "valid_from"), LASTING)

    id: Mapped[pk]
    athlete_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(50))
    value: Mapped[float | None]
    valid_from: Mapped[moment]
    created: Mapped[moment]

    if TYPE_CHECKING:  # set below: a row's end is in another row
        valid_until: Mapped[int | None]


_next = aliased(AthleteParameter)
AthleteParameter.valid_until = column_property(
    select(func.min(_next.valid_from))
    .where(
        _next.athlete_id == AthleteParameter.athlete_id,
        _next.name == AthleteParameter.name,
        _next.valid_from > AthleteParameter.valid_from,
    )
    .correlate_except(_next)
    .scalar_subquery()
)
