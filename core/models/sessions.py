"""Who is logged in to the pages, in which browser."""

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, moment, pk
from .users import User


class WebSession(Base):
    """``token_hash`` is the keyed hash of the browser's cookie; ``expires`` is when it ends however
    busy it was. One that ``awaits_code`` is nobody's yet: the password was right, the second factor
    is still to come.
    """

    __tablename__ = "web_session"

    id: Mapped[pk]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    created: Mapped[moment]
    expires: Mapped[moment]
    awaits_code: Mapped[bool] = mapped_column(default=False, server_default=false())

    user: Mapped[User] = relationship()
