"""Who asks."""

from dataclasses import dataclass

from core.models.users import ADMINISTRATOR

OPERATOR = "OPERATOR"
DEVICE = "DEVICE"

# all: what the role allows. read: the rules marked ``reads``.
SCOPES = ("all", "read")


@dataclass(frozen=True)
class Actor:
    """Who asks. ``OPERATOR`` is the command line: it acts as an administrator without an account.
    ``DEVICE`` is a device with its uplink token: it sends its own samples and does nothing else.

    ``scopes`` can only narrow what the role allows. ``via``: by what reads leave where that is
    neither a client nor a page.
    """

    user_id: int | None
    role: str
    extra_permissions: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset({"all"})
    client_id: int | None = None
    device_id: int | None = None
    via: str = ""

    @classmethod
    def operator(cls) -> "Actor":
        return cls(user_id=None, role=OPERATOR)

    @property
    def administers(self) -> bool:
        return self.role in (ADMINISTRATOR, OPERATOR)
