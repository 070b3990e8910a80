"""Who may do what with whose data when: one rule book, three renderings."""

from dataclasses import dataclass

OPERATOR = "OPERATOR"


@dataclass(frozen=True)
class Actor:
    """Who asks. ``OPERATOR`` is the command line: it acts as an administrator without an account.

    ``scopes`` can only narrow what the role allows.
    """

    user_id: int | None
    role: str
    extra_permissions: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset({"all"})
    client_id: int | None = None

    @classmethod
    def operator(cls) -> "Actor":
        return cls(user_id=None, role=OPERATOR)
