"""Users, clients, devices and the audit log from the command line."""

from pathlib import Path
from typing import Any

from tests.unit.test_cli import answer, own_key, touchline

__all__ = ["own_key", "touchline"]  # fixtures


def test_users(touchline: Any) -> None:
    words = (
        "user",
        "create",
        "--role",
        "MANAGER",
        "--username",
        "ada",
        "--email",
        "a@club.example",
    )
    made = answer(touchline(*words, "--password-stdin", "--json", stdin="correct horse\n"))
    assert (made["username"], made["role"], made["disabled"]) == ("ada", "MANAGER", False)
    assert "password_hash" not in made
    assert answer(touchline("user", "disable", "ada", "--json"))["disabled"] is True
    assert [row["disabled"] for row in answer(touchline("user", "list", "--json"))] == [True]
    assert answer(touchline("user", "enable", "ada", "--json"))["disabled"] is False
    assert answer(touchline("user", "mail-link", "ada", "--json"))["mail"] == "owed"
    unknown = touchline("user", "disable", "eva")
    assert (unknown.exit_code, "no user 'eva'" in unknown.stderr) == (1, True)
    again = touchline(*words)
    assert (again.exit_code, "/username" in again.stderr) == (1, True)


def test_a_lost_second_factor(touchline: Any) -> None:
    words = ("admin", "create", "--username", "eva", "--email", "e@club.example")
    assert touchline(*words, "--json").exit_code == 0
    none = answer(touchline("admin", "reset-otp", "eva", "--json"))
    assert none == {"username": "eva", "reset": False}
    unknown = touchline("admin", "reset-otp", "ada")
    assert (unknown.exit_code, "no user 'ada'" in unknown.stderr) == (1, True)


def test_clients(touchline: Any) -> None:
    made = answer(touchline("client", "create", "--name", "AMS", "--grant", "password", "--json"))
    key = made["client_id"]
    rotated = answer(touchline("client", "rotate-secret", key, "--json"))
    assert rotated.keys() == {"client_id", "client_secret"}
    assert rotated["client_secret"] != made["client_secret"]
    options = ("--throttle-class", "high", "--cors-origin", "https://ams.example")
    changed = answer(touchline("client", "set", key, *options, "--json"))
    assert changed["throttle_class"] == "high"
    assert changed["cors_origins"] == ["https://ams.example"]
    assert answer(touchline("client", "list", "--json")) == [changed]
    refused = touchline("client", "set", key, "--throttle-class", "endless")
    assert (refused.exit_code, "/throttle_class" in refused.stderr) == (1, True)
    assert touchline("client", "set", "nobody", "--name", "x").exit_code == 1


def test_devices(touchline: Any, tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text("device_name,serial_number,device_type\nv-1,A1,vest\nv-2,A2,\n")
    made = answer(touchline("device", "import", str(table), "--json"))
    assert [row["serial_number"] for row in made] == ["A1", "A2"]
    assert all(row["uplink_token"] for row in made)
    assert touchline("device", "import", str(table)).exit_code == 1
    changed = touchline("device", "set", str(made[0]["id"]), "--firmware-version", "2.1", "--json")
    assert answer(changed)["firmware_version"] == "2.1"
    listed = answer(touchline("device", "list", "--json"))
    assert [row["firmware_version"] for row in listed] == ["2.1", None]
    assert "uplink_token_hash" not in listed[0]


def test_the_audit_log(touchline: Any) -> None:
    touchline("device", "create", "--device-name", "d", "--serial-number", "1")
    touchline("device", "set", "1", "--device-type", "vest")
    log = answer(touchline("audit", "--json"))
    assert [(row["action"], row["actor"]) for row in log] == [
        ("device.change", "command line"),
        ("device.create", "command line"),
    ]
    assert log[0]["after"] == {"device_type": "vest"}
    assert len(answer(touchline("audit", "--last", "1", "--json"))) == 1
