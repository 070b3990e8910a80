"""Two at once: one wins, the other is told; nobody waits for ever and nothing is made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import func, select

from core.errors import BadInput
from core.models import ComputeState, Device, DeviceOwnership, TimeFrame
from core.pipeline import compute
from core.services import activities, devices, timeframes
from core.sport.registry import Registry

from .conftest import Match, World


def together(*works: Callable[[], Any]) -> list[Any]:
    """Start all at one moment; what each returned, or raised."""
    gate = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def count(world: World, model: Any) -> int:
    return world.read(lambda s: s.scalar(select(func.count()).select_from(model)))


def test_of_two_claims_one_wins(world: World) -> None:
    for turn in range(5):
        device_id = world.device(f"S{turn}", f"dev-{turn}")
        outcomes = together(
            *(
                lambda actor=actor, device_id=device_id: world.write(
                    devices.take_ownership, actor, device_id
                )
                for actor in (world.anna, world.ben)
            )
        )
        kinds = sorted(type(outcome).__name__ for outcome in outcomes)
        assert kinds == ["BadInput", "Device"], outcomes
        assert [o.extra["message"] for o in outcomes if isinstance(o, BadInput)]
    assert count(world, DeviceOwnership) == 5


def test_a_file_device_is_made_once_by_many_imports(world: World) -> None:
    anna, cleo = world.anna.user_id, world.cleo.user_id
    made = together(*[lambda: world.write(devices.for_file, anna, cleo, "R-1")] * 4)
    assert len({device.id for device in made}) == 1
    assert count(world, Device) == count(world, DeviceOwnership) == 1


def test_changing_and_deleting_while_folds_run(match: Match, sports: Registry) -> None:
    world = match.world
    keep = {"name": "final", "owner": world.anna.user_id, "json": {"sport": "tennis"}}
    keep["json_schema"] = world.schema("activity_tennis")
    for _ in range(5):
        frame, other = match.frame(), match.frame()
        outcomes = together(
            lambda frame=frame: compute.refold(world.db, sports, frame),
            lambda frame=frame: world.write(
                timeframes.update, world.anna, frame, {"params": {"max_hr": 190}}
            ),
            lambda: world.write(activities.update, world.anna, match.activity, **keep),
            lambda other=other: world.write(timeframes.remove, world.anna, other),
            lambda other=other: compute.refold(world.db, sports, other),
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    assert count(world, TimeFrame) == count(world, ComputeState) == 5
    outcomes = together(
        lambda: world.write(activities.remove, world.anna, match.activity),
        lambda: compute.tick(world.db, sports, match.activity),
        lambda: compute.refold(world.db, sports, frame),
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    assert count(world, TimeFrame) == 0


def test_a_frame_made_while_its_activity_goes_is_told_so(match: Match) -> None:
    world = match.world
    for _ in range(5):
        activity = world.write(
            activities.create,
            world.anna,
            name="short-lived",
            json={"sport": "tennis"},
            json_schema=world.schema("activity_tennis"),
            owner=world.anna.user_id,
        ).id
        draft = match.draft(activity=activity)
        made, removed = together(
            lambda draft=draft: world.write(timeframes.create, world.anna, draft),
            lambda activity=activity: world.write(activities.remove, world.anna, activity),
        )
        assert removed is None
        assert isinstance(made, TimeFrame | BadInput), made
    assert count(world, TimeFrame) == 0
