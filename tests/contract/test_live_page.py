"""The live page as it is served, and the tokens that its script reads with."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from core import clock
from core.auth import browser
from core.models import AthleteProfile, OAuthToken
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, permit, problem
from tests.contract.test_pages import inside

CORNERS = [[46.5, 6.6], [46.5, 6.6013], [46.5006, 6.6013], [46.5006, 6.6]]


@pytest.fixture
def played(world: World) -> Match:
    return match(world)


def page(client: FlaskClient, activity: int) -> Any:
    return client.get(f"/live/{activity}/")


def token(client: FlaskClient, path: str) -> str:
    csrf = re.search(r'data-csrf="(\w+)"', client.get(path).text)
    assert csrf
    answer = client.post("/session/token/", data={"csrf": csrf[1]})
    assert answer.status_code == 200
    assert answer.get_json()["expires_in"] == 600
    return answer.get_json()["token"]


def test_who_is_not_logged_in_is_led_to_the_login_and_back(world: World, played: Match) -> None:
    answer = page(world.client, played.activity)
    assert answer.status_code == 303
    assert answer.location == f"/login/?next=/live/{played.activity}/"


@pytest.mark.parametrize(
    ("username", "activity", "status"),
    [("ada", None, 200), ("admin", None, 200), ("ben", None, 403), ("noe", None, 403),
     ("ada", 999_999, 404)],
)  # fmt: skip
def test_the_page_is_for_who_may_read_the_activity(
    world: World, played: Match, username: str, activity: int | None, status: int
) -> None:
    answer = page(inside(world, username), activity or played.activity)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"


def test_an_activity_without_time_frames_says_how_one_joins(world: World, played: Match) -> None:
    text = page(inside(world, "ada"), played.activity).text
    assert "Nobody takes part yet" in text
    assert "/api/v1/timeframes/" in text


def test_each_time_frame_is_a_line_and_names_are_for_who_may_read_them(
    world: World, played: Match
) -> None:
    frame = played.frame()

    def named(session: Any) -> None:
        profile = session.query(AthleteProfile).filter_by(user_id=world.ids["noe"]).one_or_none()
        if profile is None:
            profile = AthleteProfile(user_id=world.ids["noe"])
            session.add(profile)
        profile.first_name, profile.last_name = "Noé", "<Favre>"

    world.db.write(named)
    coach = inside(world, "ada")
    text = page(coach, played.activity).text
    assert f'data-timeframe="{frame}"' in text
    assert f'data-device="{played.device}"' in text
    assert "Athlete 1" in text
    assert "Favre" not in text  # WRITE is no READ
    permit(world, "ada", "READ", span=("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z"))
    text = page(coach, played.activity).text
    assert "Noé &lt;Favre&gt;" in text
    log = world.get(f"/athletes/{world.ids['noe']}/access-log/", "noe").get_json()["results"]
    assert {"profile", "timeframes"} <= {row["kind"] for row in log}


def test_scripts_are_files_of_ours_and_speak_to_this_server_only(
    world: World, played: Match
) -> None:
    played.frame()
    answer = page(inside(world, "ada"), played.activity)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'; connect-src 'self' ws://localhost; " in policy
    assert "unsafe" not in policy
    files = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', answer.text)
    assert len(files) > 5
    sizes = {}
    for path in files:
        assert path.startswith("/static/"), path
        served = world.client.get(path)
        assert served.status_code == 200, path
        sizes[path] = len(served.data)
    assert sum(sizes.values()) + len(answer.data) < 1_000_000, sizes
    assert "script-src" not in world.client.get("/").headers["Content-Security-Policy"]


def test_the_pitch_is_there_where_the_activity_has_corners(world: World, played: Match) -> None:
    coach = inside(world, "ada")
    assert 'data-pitch="null"' in page(coach, played.activity).text
    row = world.get(f"/activities/{played.activity}/", "ada").get_json()
    body = {name: row[name] for name in ("name", "json_schema", "owner")}
    body["json"] = {"sport": "tennis", "court_corners": CORNERS, "timezone": "Europe/Zurich"}
    answer = world.put(f"/activities/{played.activity}/", "ada", json=body)
    assert answer.status_code == 200, answer.text
    text = page(coach, played.activity).text
    assert "&#34;kind&#34;: &#34;court&#34;" in text
    assert 'data-zone="Europe/Zurich"' in text


def test_a_token_needs_a_login_and_the_forms_own_word(world: World, played: Match) -> None:
    stranger = world.client.application.test_client()
    assert stranger.post("/session/token/").status_code == 400
    csrf = re.search(r'name="csrf" value="(\w+)"', stranger.get("/login/").text)
    assert csrf
    assert stranger.post("/session/token/", data={"csrf": csrf[1]}).status_code == 401
    coach = inside(world, "ada")
    assert coach.post("/session/token/", data={"csrf": "0" * 64}).status_code == 400
    assert coach.get("/session/token/").status_code == 405


def test_a_token_reads_as_its_user_changes_nothing_and_ends_with_the_session(
    world: World, played: Match
) -> None:
    coach = inside(world, "ada")
    mine = token(coach, f"/live/{played.activity}/")
    assert world.get("/account/", token=mine).get_json()["username"] == "ada"
    problem(world.post("/timeframes/", token=mine, json=played.body()), 403)
    coach.post("/logout/", data={"csrf": re.search(r'value="(\w+)"', coach.get("/").text)[1]})  # type: ignore[index]
    problem(world.get("/account/", token=mine), 401)


def test_spent_tokens_of_a_page_do_not_pile_up(world: World, played: Match) -> None:
    coach = inside(world, "ada")

    def age(session: Any) -> None:
        for row in session.query(OAuthToken).filter(
            OAuthToken.client.has(client_id=browser.CLIENT)
        ):
            row.expires = clock.now() - 1

    for _ in range(3):
        token(coach, f"/live/{played.activity}/")
        world.db.write(age)
    token(coach, f"/live/{played.activity}/")
    kept = world.db.read(
        lambda s: (
            s.query(OAuthToken).filter(OAuthToken.client.has(client_id=browser.CLIENT)).count()
        )
    )
    assert kept == 1
