"""Teams: a manager's own, with groups, and members over time.

A member is an athlete on whom the manager holds READ when they are added; being in a team gives no
right.
"""

from collections.abc import Sequence

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import BadInput, NotFound
from core.models import Team, TeamMember, User
from core.models.users import ATHLETE
from core.policy import Actor


def create(session: Session, actor: Actor, name: str, groups: Sequence[str]) -> Team:
    policy.require_manager(actor)
    team = Team(name=name, groups=_distinct(groups), owner_id=actor.user_id, created=now())
    session.add(team)
    session.flush()
    return team


def listing(actor: Actor) -> Select[Team]:
    return select(Team).where(policy.clause(actor, "team.read", Team))


def get(session: Session, actor: Actor, team_id: int) -> Team:
    team = _existing(session, team_id)
    policy.require(session, actor, "team.read", team)
    return team


def update(session: Session, actor: Actor, team_id: int, name: str, groups: Sequence[str]) -> Team:
    """Rename a team or change its groups; a group that is gone is taken from its members."""
    team = _changed(session, actor, team_id)
    team.name, team.groups = name, _distinct(groups)
    for member in session.scalars(select(TeamMember).where(TeamMember.team_id == team.id)):
        member.groups = [group for group in member.groups if group in team.groups]
    return team


def remove(session: Session, actor: Actor, team_id: int) -> None:
    team = _changed(session, actor, team_id)
    session.execute(delete(Team).where(Team.id == team.id))


def members(
    session: Session,
    actor: Actor,
    team_id: int,
    *,
    moment: int | None = None,
    group: str | None = None,
) -> Select[TeamMember]:
    """The memberships of a team, by start; ``moment`` and ``group`` narrow them."""
    team = get(session, actor, team_id)
    statement = select(TeamMember).where(TeamMember.team_id == team.id)
    if moment is not None:
        statement = statement.where(TeamMember.start_time <= moment, moment < TeamMember.end_time)
    if group is not None:
        # A handful of rows a team: read here, because databases spell this differently.
        rows = session.scalars(select(TeamMember).where(TeamMember.team_id == team.id))
        statement = statement.where(
            TeamMember.id.in_([row.id for row in rows if group in row.groups])
        )
    return statement.order_by(TeamMember.start_time, TeamMember.id)


def add_member(
    session: Session,
    actor: Actor,
    team_id: int,
    athlete: int,
    start_time: int,
    end_time: int,
    groups: Sequence[str],
) -> TeamMember:
    """Raises BadInput for an unknown athlete or group, an empty window, or one that overlaps
    another of the same athlete; Forbidden without READ on the athlete now.
    """
    team = _changed(session, actor, team_id)
    found = session.get(User, athlete)
    if found is None or found.role != ATHLETE:
        raise BadInput.at("/athlete", f"no athlete {athlete}")
    policy.require(session, actor, "athlete.read", found)
    member = TeamMember(team_id=team.id, athlete_id=athlete)
    _set(session, team, member, start_time, end_time, groups)
    session.add(member)
    session.flush()
    return member


def change_member(
    session: Session,
    actor: Actor,
    team_id: int,
    member_id: int,
    start_time: int,
    end_time: int,
    groups: Sequence[str],
) -> TeamMember:
    """Set a membership's window and groups; the athlete stays."""
    team = _changed(session, actor, team_id)
    member = _member(session, team, member_id)
    _set(session, team, member, start_time, end_time, groups)
    return member


def remove_member(session: Session, actor: Actor, team_id: int, member_id: int) -> None:
    team = _changed(session, actor, team_id)
    session.delete(_member(session, team, member_id))


def _existing(session: Session, team_id: int, *, lock: bool = False) -> Team:
    team = session.get(Team, team_id, with_for_update=lock, populate_existing=lock)
    if team is None:
        raise NotFound(f"no team {team_id}")
    return team


def _changed(session: Session, actor: Actor, team_id: int) -> Team:
    """Locked: a team's memberships change one at a time, so that none overlap."""
    team = _existing(session, team_id, lock=True)
    policy.require(session, actor, "team.change", team)
    return team


def _member(session: Session, team: Team, member_id: int) -> TeamMember:
    member = session.get(TeamMember, member_id)
    if member is None or member.team_id != team.id:
        raise NotFound(f"no member {member_id} of team {team.id}")
    return member


def _set(
    session: Session, team: Team, member: TeamMember, start: int, end: int, groups: Sequence[str]
) -> None:
    if start >= end:
        raise BadInput.at("/end_time", "must be after start_time")
    unknown = [group for group in groups if group not in team.groups]
    if unknown:
        raise BadInput.at("/groups", f"the team has no group {unknown[0]!r}")
    others = session.scalars(
        select(TeamMember).where(
            TeamMember.team_id == team.id,
            TeamMember.athlete_id == member.athlete_id,
            TeamMember.start_time < end,
            TeamMember.end_time > start,
        )
    )
    if any(other.id != member.id for other in others):
        raise BadInput.at("/start_time", "the athlete is in the team within this window already")
    member.start_time, member.end_time = start, end
    member.groups = list(dict.fromkeys(groups))


def _distinct(groups: Sequence[str]) -> list[str]:
    if len(set(groups)) < len(groups):
        raise BadInput.at("/groups", "a group stands there more than once")
    return list(groups)
