"""A second factor for administrators: one-time codes by time (TOTP, RFC 6238), and recovery codes.

Enrolment begins with a secret for the administrator's app and is in force once a first code has
come back. A code is good within one step (30 s) of ours on either side, and once: the step of the
last one taken is stored, and no step up to it is good again.
"""

import hmac
import re
import secrets
from collections.abc import Sequence

import pyotp
import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core import policy
from core.auth.secrets import hash_token, seal, unseal
from core.clock import now
from core.errors import BadInput, Conflict
from core.models import RecoveryCode, SecondFactor, User
from core.policy import Actor

from . import audit, passwords

DIGITS, STEP = 6, 30
RECOVERY_CODES = 10
# Letters and digits that nobody takes for one another; 12 of them are 59 bits.
_ALPHABET, _LENGTH = "23456789ABCDEFGHJKMNPQRSTVWXYZ", 12

log = structlog.get_logger(__name__)


def of(session: Session, user_id: int) -> SecondFactor | None:
    """The factor, perhaps not confirmed yet."""
    return session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))


def codes_left(session: Session, factor: SecondFactor) -> int:
    """How many recovery codes are unused."""
    left = select(func.count()).where(RecoveryCode.factor_id == factor.id)
    return session.scalar(left) or 0


def in_force(session: Session, user_ids: Sequence[int]) -> set[int]:
    """Which of these accounts have one."""
    wanted = (SecondFactor.user_id.in_(user_ids), SecondFactor.confirmed.is_not(None))
    return set(session.scalars(select(SecondFactor.user_id).where(*wanted)))


def begin(session: Session, actor: Actor) -> SecondFactor:
    """Make a secret for the actor's app; one that was made before and not confirmed ends. Raises
    Conflict where a factor is in force.
    """
    policy.require_administrator(actor)
    assert actor.user_id is not None
    factor = of(session, actor.user_id)
    if factor is not None and factor.confirmed is not None:
        raise Conflict("there is a second factor already: disable it first")
    if factor is None:
        factor = SecondFactor(user_id=actor.user_id)
        session.add(factor)
    factor.secret_sealed, factor.created = seal(pyotp.random_base32()), now()
    return factor


def secret(factor: SecondFactor) -> str:
    """In base32, for typing. Raises ValueError where it was sealed under another key."""
    return unseal(factor.secret_sealed)


def address(factor: SecondFactor, username: str, host: str) -> str:
    """The ``otpauth://`` address that an app reads from a QR code."""
    totp = pyotp.TOTP(secret(factor), digits=DIGITS, interval=STEP)
    return totp.provisioning_uri(name=username, issuer_name=f"Touchline {host}")


def confirm(session: Session, actor: Actor, code: str) -> list[str]:
    """Put the factor in force by its first code. Returns the recovery codes, shown this once. Every
    login and token of the account ends: they were given without it. Raises BadInput at ``/code``.
    """
    policy.require_administrator(actor)
    assert actor.user_id is not None
    factor = of(session, actor.user_id)
    if factor is None or factor.confirmed is not None:
        raise BadInput("there is no enrolment to confirm: begin one")
    if not _use_step(session, factor, _plain(code)):
        raise BadInput.at("/code", "wrong, too old or used already")
    factor.confirmed = now()
    passwords.end_logins(session, actor.user_id, now())
    _record(session, actor, "enable", actor.user_id)
    return _new_codes(session, factor)


def use(session: Session, user_id: int, code: str) -> bool:
    """Use up a code or a recovery code of a factor that is in force. Of two at once with the same
    code, one is told True.
    """
    factor = of(session, user_id)
    if factor is None or factor.confirmed is None:
        return False
    plain = _plain(code)
    if len(plain) == DIGITS:
        return _use_step(session, factor, plain)
    return _use_recovery(session, factor, plain)


def renew_codes(session: Session, actor: Actor) -> list[str]:
    """New recovery codes, shown this once; those of before end. The caller has used a code."""
    policy.require_administrator(actor)
    assert actor.user_id is not None
    factor = of(session, actor.user_id)
    if factor is None or factor.confirmed is None:
        raise Conflict("there is no second factor in force")
    _record(session, actor, "renew_recovery_codes", actor.user_id)
    return _new_codes(session, factor)


def disable(session: Session, actor: Actor, user_id: int) -> bool:
    """End the factor of an account; False: it has none. The caller has used a code, or is the
    operator, who helps somebody without theirs: then every login and token ends too.
    """
    policy.require_administrator(actor)
    factor = of(session, user_id)
    if factor is None:
        return False
    session.delete(factor)
    session.flush()
    if actor.user_id != user_id:
        passwords.end_logins(session, user_id, now())
    _record(session, actor, "disable", user_id)
    return True


def _plain(code: str) -> str:
    """As it was made: people type spaces, hyphens and small letters."""
    return re.sub(r"[\s-]", "", code).upper()


def _use_step(session: Session, factor: SecondFactor, code: str) -> bool:
    try:
        totp = pyotp.TOTP(secret(factor), digits=DIGITS, interval=STEP)
    except ValueError:
        log.error("a second factor is sealed under another secret key", user=factor.user_id)
        return False
    current = now() // 1000 // STEP
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            unused = (SecondFactor.id == factor.id, SecondFactor.last_step < step)
            done = session.execute(update(SecondFactor).where(*unused).values(last_step=step))
            return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one
    return False


def _use_recovery(session: Session, factor: SecondFactor, code: str) -> bool:
    mine = (RecoveryCode.factor_id == factor.id, RecoveryCode.code_hash == hash_token(code))
    done = session.execute(delete(RecoveryCode).where(*mine))
    if not done.rowcount:  # type: ignore[attr-defined]  # a DELETE always has one
        return False
    user = session.get_one(User, factor.user_id)
    log.warning("a recovery code was used", user=user.id, left=codes_left(session, factor))
    _record(session, Actor(user.id, user.role), "use_recovery_code", user.id)
    return True


def _new_codes(session: Session, factor: SecondFactor) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id == factor.id))
    made = ["".join(map(_letter, range(_LENGTH))) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(factor_id=factor.id, code_hash=hash_token(code)) for code in made)
    return [_spaced(code) for code in made]


def _letter(_place: int) -> str:
    return secrets.choice(_ALPHABET)


def _spaced(code: Sequence[str]) -> str:
    return "-".join("".join(code[at : at + 4]) for at in range(0, _LENGTH, 4))


def _record(session: Session, actor: Actor, what: str, user_id: int) -> None:
    user = session.get_one(User, user_id)
    action = f"user.{what}_second_factor" if what in ("enable", "disable") else f"user.{what}"
    audit.record(session, actor, action, user, audit.snapshot(user), secret=True)
