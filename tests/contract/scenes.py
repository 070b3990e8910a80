"""What several suites start from: a tennis match in the past, set up by the clients' own routes."""

from dataclasses import dataclass
from typing import Any

from tests.contract.conftest import World

START, STOP = "2020-05-30T20:00:00.000Z", "2020-05-30T22:00:00.000Z"
T0 = 1_590_868_800_000  # START in Unix ms
YEAR = ("2020-01-01T00:00:00.000Z", "2020-12-31T23:59:59.000Z")

PROBLEM = {"type", "title", "status", "code", "detail", "request_id"}


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/problem+json"
    body = response.get_json()
    assert body.keys() >= PROBLEM
    return body


def pointers(response: Any) -> list[str]:
    """The fields that a 400 names."""
    return [row["pointer"] for row in problem(response, 400)["errors"]]


def device(world: World, serial: str = "S1", name: str = "dev-1", **more: Any) -> dict[str, Any]:
    """A new device with its uplink token."""
    body = {"device_name": name, "serial_number": serial, **more}
    response = world.post("/admin/devices/", "admin", json=body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.get_json()


def own(
    world: World, device_id: int, manager: str, start: str = YEAR[0], end: str = YEAR[1]
) -> Any:
    return world.post(
        "/admin/device-ownerships/",
        "admin",
        json={
            "device": device_id,
            "manager": world.ids[manager],
            "start_time": start,
            "end_time": end,
        },
    )


def permit(
    world: World, manager: str, right: str, athlete: str = "noe", span: tuple[str, str] = YEAR
) -> None:
    response = world.post(
        f"/athletes/{world.ids[athlete]}/managers/{world.ids[manager]}/permissions/",
        athlete,
        json={"start_time": span[0], "expiration_time": span[1], "permission": right},
    )
    assert response.status_code == 200, response.get_data(as_text=True)


def schema(world: World, name: str) -> int:
    """The current schema row of a name."""
    found = world.get(f"/json-schemas/?search={name}&ordering=name", "ada").get_json()
    return max(row["id"] for row in found["results"] if row["name"] == name)


@dataclass
class Match:
    """Ada's match: ``activity``, ``device`` (with its uplink ``token``), WRITE on noe for 2020."""

    world: World
    activity: int
    device: int
    token: str
    schema: int

    def body(self, **changes: Any) -> dict[str, Any]:
        """A time frame as the guide posts it."""
        return {
            "start_time": START,
            "end_time": STOP,
            "params": {},
            "device": self.device,
            "activity": self.activity,
            "athlete": self.world.ids["noe"],
            "owner": self.world.ids["ada"],
            "json_schema": self.schema,
            **changes,
        }

    def frame(self, **changes: Any) -> int:
        response = self.world.post("/timeframes/", "ada", json=self.body(**changes))
        assert response.status_code == 201, response.get_data(as_text=True)
        return response.get_json()["id"]


def match(world: World) -> Match:
    tracker = device(world)
    assert own(world, tracker["id"], "ada").status_code == 201
    permit(world, "ada", "WRITE")
    activity = world.post(
        "/activities/",
        "ada",
        json={
            "name": "Tennis match of 30 may 2020 at Wimbledon",
            "json": {"sport": "tennis", "type": "match"},
            "json_schema": schema(world, "activity_tennis"),
            "owner": world.ids["ada"],
        },
    )
    assert activity.status_code == 201, activity.get_data(as_text=True)
    return Match(
        world,
        activity.get_json()["id"],
        tracker["id"],
        tracker["uplink_token"],
        schema(world, "timeframe_tennis"),
    )
