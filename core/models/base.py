"""What every table shares: naming, portable types, the id."""

from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Integer, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

# SQLite numbers rows by itself only for a column declared INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Document = JSON().with_variant(JSONB, "postgresql")
# As Document, but None is SQL's NULL and can be counted.
MaybeDocument = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

# Of tables whose rows the world knows by number, and which may be deleted: a number is given once.
# SQLite would give the highest one again; PostgreSQL never does.
LASTING = {"sqlite_autoincrement": True}

pk = Annotated[int, mapped_column(Id, primary_key=True)]
# A moment: integer Unix milliseconds, the clock of samples, rights and frames alike.
moment = Annotated[int, mapped_column(BigInteger)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInteger, dict[str, Any]: Document, list[Any]: Document}  # noqa: RUF012 -- SQLAlchemy reads it off the class


def table_of(model: type[Base]) -> Table:
    """Its table, for statements of plain columns that are made once."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
