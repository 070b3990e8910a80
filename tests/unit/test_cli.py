"""The commands: exactly the keys of contract/touchline.md section 1, and their ways of failing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from core.auth import secrets
from core.cli import main
from core.supervisor import touchline_command


@pytest.fixture(autouse=True)
def own_key() -> Iterator[None]:
    """Commands set the process's sealing key; other tests have theirs."""
    before = secrets._key
    yield
    secrets._key = before


@pytest.fixture
def touchline(tmp_path: Path) -> Any:
    def run(*words: str, stdin: str | None = None) -> Result:
        env = {"TOUCHLINE_DATA_DIR": str(tmp_path / "data"), "TOUCHLINE_LOG_LEVEL": "warning"}
        return CliRunner().invoke(main, words, input=stdin, env=env)

    return run


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def every_command(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(every_command(main)), ids=" ".join)
def test_help_has_an_example_that_parses(path: tuple[str, ...], touchline: Any) -> None:
    result = touchline(*path, "--help")
    assert result.exit_code == 0
    assert "--data-dir" in result.stdout
    assert f"Example: touchline {' '.join(path)}" in " ".join(result.stdout.split())


def test_help_is_quick() -> None:
    """Heavy imports stand inside the commands."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", touchline_command(), "--help"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"numpy", "numba", "sqlalchemy", "flask", "redis", "rq", "httpx", "gevent"}


def test_an_administrator_with_a_made_password(touchline: Any) -> None:
    made = answer(
        touchline("admin", "create", "--username", "ada", "--email", "ada@c.example", "--json")
    )
    assert set(made) == {"id", "username", "password"}
    again = touchline("admin", "create", "--username", "ada", "--email", "ada@c.example")
    assert again.exit_code == 1
    assert "Traceback" not in again.output
    assert again.stderr.startswith("Error: ")


def test_an_administrators_password_from_stdin(touchline: Any) -> None:
    words = ("admin", "create", "--username", "ada", "--email", "a@c.example", "--password-stdin")
    made = answer(touchline(*words, "--json", stdin="a long password\n"))
    assert set(made) == {"id", "username"}
    assert touchline(*words, stdin="").exit_code == 2
    assert touchline(*words, stdin="short\n").exit_code == 1


def test_clients(touchline: Any) -> None:
    words = ("client", "create", "--name", "AMS", "--json", "--grant")
    assert set(answer(touchline(*words, "password"))) == {"client_id", "client_secret"}
    assert set(answer(touchline(*words, "password", "--public"))) == {"client_id"}
    assert touchline(*words, "implicit").exit_code == 2
    assert touchline(*words, "authorization_code").exit_code == 1  # has no redirect URI


def test_devices_and_ownerships(touchline: Any, tmp_path: Path) -> None:
    words = ("device", "create", "--device-name", "Vest", "--serial-number", "7", "--json")
    device = answer(touchline(*words))
    assert set(device) == {"id", "device_name", "serial_number", "uplink_token"}
    assert touchline(*words).exit_code == 1  # the pair is taken

    made = answer(
        touchline("admin", "create", "--username", "ada", "--email", "a@c.example", "--json")
    )
    window = ("--from", "2020-01-01T00:00:00Z", "--to", "2021-01-01T00:00:00Z", "--json")
    refused = touchline("device", "own", str(device["id"]), str(made["id"]), *window)
    assert refused.exit_code == 1
    assert "no manager" in refused.stderr
    bad = touchline("device", "own", "1", "1", "--from", "2020-01-01", "--to", "2021-01-01T00:00Z")
    assert bad.exit_code == 2

    from core.models import User
    from core.models.db import Database

    db = Database(f"sqlite:///{tmp_path / 'data' / 'touchline.db'}")
    db.write(lambda s: s.add(User(id=50, username="m", role="MANAGER", created=0)))
    db.close()
    owned = answer(touchline("device", "own", str(device["id"]), "50", *window))
    assert owned == {
        "id": owned["id"],
        "start_time": "2020-01-01T00:00:00.000Z",
        "end_time": "2021-01-01T00:00:00.000Z",
        "device": device["id"],
        "manager": 50,
    }
    permitted = answer(touchline("user", "permit", "m", "can_create_managed_athletes", "--json"))
    assert permitted == {
        "id": 50,
        "username": "m",
        "extra_permissions": ["can_create_managed_athletes"],
    }
    assert touchline("user", "permit", "nobody", "can_create_managed_athletes").exit_code == 1


def test_sports_and_metrics(touchline: Any) -> None:
    sports = {row["name"]: row for row in answer(touchline("sport", "list", "--json"))}
    assert {"soccer", "tennis"} <= set(sports)
    assert set(sports["soccer"]) == {"name", "version", "distribution", "state", "reason"}
    assert sports["soccer"]["state"] == "enabled"
    assert len(answer(touchline("sport", "sync", "--json"))) == 2 * len(sports)
    assert answer(touchline("sport", "sync", "--json")) == []
    metrics = answer(touchline("metrics", "list", "--sport", "soccer", "--json"))
    assert {row["sport"] for row in metrics} == {"soccer"}
    assert all(row["unit"] and row["definition"] for row in metrics)


def test_upgrade_then_doctor(touchline: Any, tmp_path: Path) -> None:
    assert answer(touchline("db", "upgrade", "--json"))["revision"]
    found = answer(touchline("doctor", "--json"))
    assert found["ok"] is True
    assert [check["ok"] for check in found["checks"]] == [True] * len(found["checks"])
    (tmp_path / "data").chmod(0o755)
    result = touchline("doctor", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [check["name"] for check in found["checks"] if not check["ok"]] == ["data directory"]


def test_a_bad_setting_is_one_sentence(touchline: Any) -> None:
    result = CliRunner().invoke(main, ["config"], env={"TOUCHLINE_TOKEN_SECONDS": "soon"})
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: TOUCHLINE_TOKEN_SECONDS")
    assert touchline("config", "--nonsense").exit_code == 2


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ("no json", ()),
        ("[]", ()),
        ('[{"id": 1}]', ()),
        ('[{"id": 1, "uplink_token": "x"}]', ("--faults", "gremlins")),
        ('[{"id": 1, "uplink_token": "x"}]', ("--speed", "0")),
    ],
)
def test_simulate_refuses_what_it_cannot_use(
    touchline: Any, devices: str, words: tuple[str, ...]
) -> None:
    url = ("--url", "http://127.0.0.1:9", "--devices", "-")
    assert touchline("simulate", *url, *words, stdin=devices).exit_code == 2


def test_queues_that_do_not_exist_are_wrong_usage(touchline: Any) -> None:
    assert touchline("worker", "--queues", "live,nonsense").exit_code == 2


def test_bench_and_prove_know_their_programs(touchline: Any) -> None:
    result = touchline("bench", "nonsense")
    assert result.exit_code == 2
    assert "store" in result.stderr


def test_the_command_is_installed_beside_this_python() -> None:
    assert os.access(touchline_command(), os.X_OK)
