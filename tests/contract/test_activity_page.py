"""The report of an activity as it is served: for whom, in which words, and its files."""

from collections.abc import Iterator
from typing import Any

import pytest

from core import clock, simulate
from core.models import AccessEvent, ComputeState, DeviceOwnership, Permission, TimeFrame
from core.pipeline import compute
from core.services import series
from core.sport.registry import Registry
from tests.browser.activities import KICK_OFF, Club, player
from tests.contract.conftest import World
from tests.contract.scenes import problem
from tests.contract.test_pages import inside


class Scene:
    """Ada's training: noe's frame and lea's, each two minutes, in Zurich."""

    def __init__(self, club: Club) -> None:
        self.club, self.world = club, club.world
        self.activity = club.activity("Tuesday <training>", "soccer", timezone="Europe/Zurich")
        noe, lea = (club.athlete(name, "Favre", name.lower()) for name in ("Noe", "Lea"))
        self.noe = club.frame(self.activity, noe, player(0, 120), {"max_hr": 190})
        self.lea = club.frame(self.activity, lea, player(1, 120))
        self.path = f"/activities/{self.activity}/"

    def page(self, username: str, query: str = "") -> Any:
        return inside(self.world, username).get(f"{self.path}{query}")

    def change(self, frame: int, **state: Any) -> None:
        def write(session: Any) -> None:
            row = session.get_one(ComputeState, frame)
            for name, value in state.items():
                setattr(row, name, value)

        self.world.db.write(write)


@pytest.fixture(scope="module")
def scene(shared: World, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(Club(shared, registry, tmp_path_factory.mktemp("objects")))


@pytest.fixture
def changed(scene: Scene) -> Iterator[Scene]:
    """The state of noe's frame is as before, afterwards."""
    names = ("error", "closed", "dirty", "computed_at")
    row = scene.world.db.read(lambda s: s.get_one(ComputeState, scene.noe))
    before = {name: getattr(row, name) for name in names}
    yield scene
    scene.change(scene.noe, **before)


def test_who_is_not_logged_in_is_led_to_the_login_and_back(scene: Scene) -> None:
    answer = scene.world.client.application.test_client().get(scene.path)
    assert (answer.status_code, answer.location) == (303, f"/login/?next={scene.path}")


def test_the_manager_sees_every_athlete_and_one_in_full(scene: Scene) -> None:
    text = scene.page("ada").text
    assert "Tuesday &lt;training&gt;" in text
    assert "Noe Favre</a>" in text
    assert "Lea Favre</a>" in text
    assert f'data-timeframe="{scene.noe}"' in text
    assert "2020-05-30 22:00" in text  # in Zurich
    assert "All times are Europe/Zurich" in text
    for title in ("Zones", "Efforts", "Highest demands", "Quality", "What was used", "Downloads"):
        assert f">{title}</h3>" in text, title
    assert f'data-timeframe="{scene.lea}"' in scene.page("ada", f"?timeframe={scene.lea}").text
    assert scene.page("ada", "?timeframe=999").status_code == 404


def test_an_athlete_sees_their_own_frame_only(scene: Scene) -> None:
    text = scene.page("noe").text
    assert "Noe Favre" in text
    assert "Lea" not in text
    assert scene.page("noe", f"?timeframe={scene.lea}").status_code == 404
    assert scene.page("noe", f"?timeframe={scene.noe}").status_code == 200


def test_who_may_read_nothing_of_it_is_told_so(scene: Scene) -> None:
    assert scene.page("ben").status_code == 403
    assert inside(scene.world, "ben").get("/activities/999999/").status_code == 404


def test_a_reader_has_results_but_neither_samples_nor_the_activitys_name(scene: Scene) -> None:
    def permit(session: Any) -> None:
        session.add(
            Permission(
                athlete_id=scene.world.ids["lea"], manager_id=scene.world.ids["ben"],
                permission="READ", start_time=0, expiration_time=KICK_OFF + 10**7,
            )
        )  # fmt: skip

    scene.world.db.write(permit)
    text = scene.page("ben").text
    assert f'data-timeframe="{scene.lea}"' in text
    assert "Zones</h3>" in text
    assert "training" not in text
    assert 'data-samples="0"' in text
    assert "uPlot" not in text
    assert "samples themselves are for who owned the device" in text
    client = inside(scene.world, "ben")
    frame = f"{scene.path}timeframes/{scene.lea}"
    assert client.get(f"{frame}/computed.json").status_code == 200
    assert client.get(f"{frame}/samples.csv").status_code == 403
    assert client.get(f"{frame}/series/").status_code == 403
    log = scene.world.get(f"/athletes/{scene.world.ids['lea']}/access-log/", "lea").get_json()
    kinds = {row["kind"] for row in log["results"] if row["username"] == "ben"}
    assert kinds == {"computed", "timeframes"}


def test_an_owner_without_read_has_samples_and_is_told_how_results_come(scene: Scene) -> None:
    club = scene.club
    athlete = club.athlete("Zoe", "Lang")
    activity = club.activity("Test", "soccer")
    frame = club.frame(activity, athlete, player(2, 20))

    def revoke(session: Any) -> None:
        session.query(Permission).filter_by(athlete_id=athlete, permission="READ").delete()

    scene.world.db.write(revoke)
    text = inside(scene.world, "ada").get(f"/activities/{activity}/").text
    assert "results are for who holds READ" in text
    assert "Athlete 1" in text
    assert "Zones" not in text
    assert 'data-samples="1"' in text
    assert (
        inside(scene.world, "ada").get(f"/activities/{activity}/timeframes/{frame}/computed.json")
    ).status_code == 403


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, ("ready",)),
        ({"error": "kernel broke"}, ("failed", "could not be computed: kernel broke", "safe")),
        ({"closed": False}, ("computing", "final result follows")),
        ({"dirty": True}, ("computing", "came late")),
    ],
)
def test_states_have_words(changed: Scene, state: dict[str, Any], words: tuple[str, ...]) -> None:
    changed.change(changed.noe, **state)
    text = changed.page("ada").text
    assert all(word in text for word in words)


def test_a_running_frame_leads_to_the_live_page(changed: Scene) -> None:
    def run(stop: int, computed: int) -> str:
        def move(session: Any) -> None:
            session.get_one(TimeFrame, changed.noe).end_time = stop

        changed.world.db.write(move)
        changed.change(changed.noe, computed_at=computed)
        return changed.page("ada").text

    moment = clock.now()
    text = run(moment + 60_000, moment)
    assert f'href="/live/{changed.activity}/"' in text
    assert 'class="state live"' in text
    text = run(moment + 60_000, moment - 90_000)
    assert "stale" in text
    assert "no news for 9" in text
    assert f'href="/live/{changed.activity}/"' not in run(KICK_OFF + 120_000, moment)


def test_an_activity_without_time_frames_says_how_one_joins(scene: Scene) -> None:
    activity = scene.club.activity("Empty", "tennis")
    assert (
        "Nobody takes part yet" in inside(scene.world, "ada").get(f"/activities/{activity}/").text
    )


def test_files_and_the_table(scene: Scene) -> None:
    client, frame = inside(scene.world, "noe"), f"{scene.path}timeframes/{scene.noe}"
    document = client.get(f"{frame}/computed.json")
    assert f'filename="timeframe-{scene.noe}.json"' in document.headers["Content-Disposition"]
    assert document.get_json()["total_distance"] > 0
    lines = client.get(f"{frame}/samples.csv").text.splitlines()
    assert lines[1].startswith("2020-05-30T20:00:00.000Z,1590868800000,46.5")
    assert len(lines) == 1 + 1200
    table = client.get(f"{frame}/series/").text
    assert "Speed, lowest" in table
    assert table.count("<tr>") == 1 + 120


def test_scripts_are_files_of_ours_and_the_page_is_light(scene: Scene) -> None:
    answer = scene.page("ada")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'; connect-src 'self' ws://localhost; " in policy
    assert len(answer.data) < 100_000


def test_the_start_page_leads_there(scene: Scene) -> None:
    assert f'href="{scene.path}"' in inside(scene.world, "ada").get("/").text
    assert f'href="{scene.path}"' in inside(scene.world, "noe").get("/").text


def test_a_series_of_a_part(scene: Scene) -> None:
    path = f"/timeframes/{scene.noe}/series/"
    whole = scene.world.get(path, "noe").get_json()
    assert whole["samples"] == 1200
    assert {one["channel"] for one in whole["channels"]} == {
        "gnss.speed",
        "ecg.hr",
        "gnss.altitude",
    }
    part = scene.world.get(
        f"{path}?start={KICK_OFF + 60_000}&stop=2020-05-30T20:01:10Z&width=100", "ada"
    ).get_json()
    assert (part["samples"], part["bucket"]) == (100, 100)
    assert part["t"] == list(range(KICK_OFF + 60_000, KICK_OFF + 70_000, 100))
    everything = scene.world.get(f"{path}?width=99999999", "ada").get_json()
    assert everything["bucket"] == 100  # clamped, and still fine enough


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("start=abc", "/start"), ("width=0", "/width"), ("width=x", "/width"),
        (f"start={KICK_OFF + 5}&stop={KICK_OFF + 5}", "/start"), ("start=4102444800000", "/start"),
        ("stop=1000", "/stop"), ("start=2020-05-30T20:00:00", "/start"),
    ],
)  # fmt: skip
def test_a_bad_interval_is_named(scene: Scene, query: str, pointer: str) -> None:
    answer = scene.world.get(f"/timeframes/{scene.noe}/series/?{query}", "ada")
    assert [error["pointer"] for error in problem(answer, 400)["errors"]] == [pointer]


def test_a_series_is_for_who_owned_the_device_then(scene: Scene) -> None:
    problem(scene.world.get("/timeframes/999999/series/", "ada"), 404)
    problem(scene.world.get(f"/timeframes/{scene.noe}/series/", "ben"), 403)
    problem(scene.world.get(f"/timeframes/{scene.noe}/series/", "lea"), 403)
    path = f"/timeframes/{scene.lea}/series/"
    assert scene.world.get(path, "admin").status_code == 200

    def cut(session: Any) -> None:
        frame = session.get_one(TimeFrame, scene.lea)
        row = session.query(DeviceOwnership).filter_by(device_id=frame.device_id).one()
        row.start_time = KICK_OFF + 60_000

    scene.world.db.write(cut)
    problem(scene.world.get(path, "ada"), 403)
    assert scene.world.get(f"{path}?start={KICK_OFF + 60_000}", "ada").status_code == 200
    noted = scene.world.db.read(
        lambda s: s.query(AccessEvent).filter_by(athlete_id=scene.world.ids["lea"]).all()
    )
    assert {"samples"} <= {row.kind for row in noted}


def test_a_long_frame_is_read_in_windows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    club = scene.club
    samples = player(0, 500, silence=(60, 400))  # more than five minutes: two parts in the store
    frame = club.frame(club.activity("Windows", "soccer"), club.athlete("Max", "W"), samples)
    one = scene.world.get(f"/timeframes/{frame}/series/", "ada").get_json()
    monkeypatch.setattr(series, "ROWS_AT_ONCE", 1)
    planned = scene.world.db.read(lambda s: series.plan(s, club.ada, frame, None, None))
    assert len(planned.windows) == 2
    assert scene.world.get(f"/timeframes/{frame}/series/", "ada").get_json() == one
    assert one["samples"] == 1600


def test_an_earlier_edition_stays_readable_and_says_what_moved(scene: Scene) -> None:
    club = scene.club
    activity = club.activity("Again", "soccer")
    frame = club.frame(activity, club.athlete("Eva", "Lang"), player(3, 60))
    client = inside(scene.world, "ada")
    assert "Editions" not in client.get(f"/activities/{activity}/").text

    def widen(session: Any) -> None:
        session.get_one(TimeFrame, frame).params = {"sprint_thresholds": [2], "max_hr": 190}

    scene.world.db.write(widen)
    assert compute.refold(scene.world.db, club.registry, frame)
    text = client.get(f"/activities/{activity}/").text
    assert 'edition=1">Edition 1</a>' in text
    assert "This is edition" not in text
    text = client.get(f"/activities/{activity}/?timeframe={frame}&edition=1").text
    assert "This is edition 1 of 2" in text
    text = client.get(f"/activities/{activity}/?timeframe={frame}&edition=2").text
    assert "What this edition changed" in text
    assert '<th scope="row">Sprints, number</th>' in text
    for wrong in ("9", "x", "²", "9" * 30):
        answer = client.get(f"/activities/{activity}/?timeframe={frame}&edition={wrong}")
        assert answer.status_code == 404


def test_a_field_has_a_heat_map_and_its_parts(scene: Scene) -> None:
    club = scene.club
    activity = club.activity("On the pitch", "soccer", field_corners=simulate.corners())
    club.frame(activity, club.athlete("Ida", "Lang"), player(4, 60))
    text = inside(scene.world, "ada").get(f"/activities/{activity}/").text
    assert 'id="heat-map"' in text
    assert "Attacking" in text
    assert "heat-map" not in scene.page("ada").text


def test_teams_have_a_shape_for_who_may_read_all_of_them(scene: Scene) -> None:
    club = scene.club
    activity = club.activity("Two teams", "soccer", field_corners=simulate.corners())
    players = [club.athlete("P", str(number)) for number in range(6)]
    for number, athlete in enumerate(players):
        team = {"team": "home" if number < 3 else "away"}
        club.frame(activity, athlete, player(number, 60), team)
    client, path = inside(scene.world, "ada"), f"/activities/{activity}/"
    assert "Shape of the teams" not in client.get(path).text
    compute.summarise(scene.world.db, club.registry, activity)
    text = client.get(path).text
    assert "Shape of the teams" in text
    assert "home – away" in text or "away – home" in text
    assert "Thirds, away" in text

    def revoke(session: Any) -> None:
        session.query(Permission).filter_by(athlete_id=players[0], permission="READ").delete()

    scene.world.db.write(revoke)
    assert "Shape of the teams" not in client.get(path).text
