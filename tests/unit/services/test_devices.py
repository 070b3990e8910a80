"""Claiming, releasing, naming devices; ownerships of the past; file devices."""

import pytest
from sqlalchemy import func, select

from core.clock import BEGINNING, FAR_FUTURE, now
from core.errors import BadInput, Conflict, Forbidden, NotFound
from core.models import Device, DeviceOwnership
from core.policy import Actor
from core.services import devices, ownerships

from .conftest import DAY, World


def ownerships_of(world: World, device_id: int) -> list[DeviceOwnership]:
    return world.read(
        lambda s: s.scalars(
            select(DeviceOwnership)
            .where(DeviceOwnership.device_id == device_id)
            .order_by(DeviceOwnership.start_time)
        ).all()
    )


def test_claiming_owns_from_now_on_and_activates(world: World) -> None:
    device_id = world.device()
    before = now()
    device = world.write(devices.claim, world.anna, "S1", "dev-1")
    [row] = ownerships_of(world, device_id)
    assert device.id == device_id
    assert row.manager_id == world.anna.user_id
    assert before <= row.start_time <= now()
    assert row.end_time == FAR_FUTURE
    assert device.activation_time == row.start_time


@pytest.mark.parametrize("pair", [("S1", "other"), ("S2", "dev-1"), ("dev-1", "S1")])
def test_a_pair_that_does_not_match_is_unknown(world: World, pair: tuple[str, str]) -> None:
    world.device()
    with pytest.raises(NotFound):
        world.write(devices.claim, world.anna, *pair)


def test_the_owner_who_claims_again_gets_no_second_row(world: World) -> None:
    device_id = world.device()
    for _ in range(2):
        world.write(devices.take_ownership, world.anna, device_id)
    assert len(ownerships_of(world, device_id)) == 1


def test_another_owner_refuses_with_a_message(world: World) -> None:
    device_id = world.device()
    world.write(devices.take_ownership, world.anna, device_id)
    with pytest.raises(BadInput) as refusal:
        world.write(devices.take_ownership, world.ben, device_id)
    assert refusal.value.extra["message"] == refusal.value.detail


def test_a_claim_ends_where_an_ownership_of_the_future_begins(world: World) -> None:
    device_id = world.device()
    later = now() + DAY
    world.own(world.ben, device_id, later, FAR_FUTURE)
    world.write(devices.take_ownership, world.anna, device_id)
    first, second = ownerships_of(world, device_id)
    assert (first.manager_id, first.end_time) == (world.anna.user_id, later)
    assert second.manager_id == world.ben.user_id


def test_release_ends_now_and_frees_the_device(world: World) -> None:
    device_id = world.device()
    world.own(world.anna, device_id, now() - DAY, FAR_FUTURE)
    world.write(devices.release_ownership, world.anna, device_id)
    [row] = ownerships_of(world, device_id)
    assert row.end_time <= now()
    world.write(devices.take_ownership, world.ben, device_id)
    assert [r.manager_id for r in ownerships_of(world, device_id)] == [
        world.anna.user_id,
        world.ben.user_id,
    ]


def test_release_of_what_nobody_owns_has_a_message(world: World) -> None:
    device_id = world.device()
    with pytest.raises(BadInput, match="never activated") as refusal:
        world.write(devices.release_ownership, world.anna, device_id)
    assert refusal.value.extra["message"]


def test_release_of_anothers_device_is_forbidden(world: World) -> None:
    device_id = world.device()
    world.write(devices.take_ownership, world.anna, device_id)
    with pytest.raises(Forbidden):
        world.write(devices.release_ownership, world.ben, device_id)


def test_only_managers_claim(world: World) -> None:
    device_id = world.device()
    for actor in (world.cleo, world.admin, Actor.operator()):
        with pytest.raises(Forbidden):
            world.write(devices.take_ownership, actor, device_id)


def test_who_owns_now_reads_and_who_owned_lists(world: World) -> None:
    device_id = world.device()
    world.own(world.anna, device_id, now() - 2 * DAY, now() - DAY)
    with pytest.raises(Forbidden):
        world.read(devices.get, world.anna, device_id)

    def listed(actor: Actor, current: bool) -> list[int]:
        statement = devices.listing(actor, current=current)
        return [device.id for device in world.read(lambda s: s.scalars(statement).all())]

    assert listed(world.anna, current=False) == [device_id]
    assert listed(world.anna, current=True) == []
    assert listed(world.ben, current=False) == []
    world.own(world.ben, device_id, now() - DAY, FAR_FUTURE)
    assert listed(world.ben, current=True) == [device_id]
    assert world.read(devices.get, world.ben, device_id).id == device_id


@pytest.mark.parametrize("name", ["Bib 5", "Ωmega_1", "Joueur n.(3) #7'", "É", "x" * 60])
def test_custom_names_of_any_script(world: World, name: str) -> None:
    device_id = world.device()
    world.write(devices.take_ownership, world.anna, device_id)
    assert world.write(devices.set_custom_name, world.anna, device_id, name).custom_name == name


@pytest.mark.parametrize("name", ["", "a/b", "x" * 61, "tab\t", "<b>", "nul\0", "line\n"])
def test_custom_names_that_are_refused(world: World, name: str) -> None:
    device_id = world.device()
    world.write(devices.take_ownership, world.anna, device_id)
    with pytest.raises(BadInput) as refusal:
        world.write(devices.set_custom_name, world.anna, device_id, name)
    assert refusal.value.errors[0]["pointer"] == "/custom_name"


def test_an_administrator_registers_a_pair_once(world: World) -> None:
    device, token = world.write(devices.create, world.admin, "dev-9", "S9", "Model X")
    assert token
    assert token not in str(vars(device).values())
    with pytest.raises(Conflict):
        world.write(devices.create, Actor.operator(), "dev-9", "S9")
    for actor in (world.anna, world.cleo):
        with pytest.raises(Forbidden):
            world.write(devices.create, actor, "dev-10", "S10")


def test_rotation_makes_another_token(world: World) -> None:
    device, token = world.write(devices.create, world.admin, "dev-9", "S9")
    rotated, other = world.write(devices.rotate_token, world.admin, device.id)
    assert other != token
    assert rotated.uplink_token_hash != device.uplink_token_hash


def test_backdated_ownership_and_its_overlap(world: World) -> None:
    device_id = world.device()
    anna = world.anna.user_id
    row = world.write(ownerships.create, Actor.operator(), device_id, anna, 1000, 2000)
    assert (row.start_time, row.end_time, row.device.activation_time) == (1000, 2000, 1000)
    with pytest.raises(Conflict):
        world.write(ownerships.create, world.admin, device_id, world.ben.user_id, 1999, 3000)
    world.write(ownerships.create, world.admin, device_id, world.ben.user_id, 2000, 3000)
    assert len(ownerships_of(world, device_id)) == 2


def test_backdated_ownership_is_refused_by_field(world: World) -> None:
    device_id, anna = world.device(), world.anna.user_id
    for given, pointer in (
        ((999, anna, 1, 2), "/device"),
        ((device_id, world.cleo.user_id, 1, 2), "/manager"),
        ((device_id, anna, 2, 2), "/end_time"),
    ):
        with pytest.raises(BadInput) as refusal:
            world.write(ownerships.create, world.admin, *given)
        assert refusal.value.errors[0]["pointer"] == pointer
    with pytest.raises(Forbidden):
        world.write(ownerships.create, world.anna, device_id, anna, 1, 2)


def test_a_file_device_is_made_once_and_stays(world: World) -> None:
    anna, cleo = world.anna.user_id, world.cleo.user_id
    first = world.write(devices.for_file, anna, cleo, "R-1")
    again = world.write(devices.for_file, anna, cleo, "R-1")
    unknown = world.write(devices.for_file, anna, cleo, None)
    assert again.id == first.id
    assert unknown.id != first.id
    assert (unknown.serial_number, unknown.device_type) == ("unknown", "file")
    [row] = ownerships_of(world, first.id)
    assert (row.start_time, row.end_time, row.manager_id) == (BEGINNING, FAR_FUTURE, anna)
    assert world.read(devices.get, world.anna, first.id).id == first.id
    for actor, act in (
        (world.ben, devices.take_ownership),
        (world.anna, devices.release_ownership),
    ):
        with pytest.raises(BadInput):
            world.write(act, actor, first.id)
    assert world.read(lambda s: s.scalar(select(func.count(Device.id)))) == 2
