"""The table of settings."""

from pathlib import Path

import pytest

from core.commands.operate import MASK, settings
from core.config import SETTINGS, Config, ConfigError


def test_empty_settings_are_derived_from_the_data_directory(tmp_path: Path) -> None:
    config = Config.load({}, data_dir=str(tmp_path))
    assert config.database_url == f"sqlite:///{tmp_path}/touchline.db"
    assert config.redis_url == f"unix://{tmp_path}/redis.sock"
    assert config.embedded_redis
    assert config.sqlite


def test_the_command_line_wins_over_the_environment() -> None:
    env = {"TOUCHLINE_DATA_DIR": "/a", "TOUCHLINE_REDIS_URL": "redis://elsewhere"}
    config = Config.load(env, data_dir="/b")
    assert config.data_dir == Path("/b")
    assert config.origin["data_dir"] == "option"
    assert config.origin["redis_url"] == "environment"
    assert config.origin["log_level"] == "default"
    assert not config.embedded_redis


@pytest.mark.parametrize(
    ("name", "value"),
    [("TOKEN_SECONDS", "soon"), ("TOKEN_SECONDS", "0"), ("LOG_LEVEL", "loud"), ("MAX_BODY_MB", "")],
)
def test_a_setting_that_cannot_be_read_is_named(name: str, value: str) -> None:
    env = {f"TOUCHLINE_{name}": value}
    if value == "":  # an empty variable is an unset one
        assert Config.load(env).max_body_mb == 8
        return
    with pytest.raises(ConfigError, match=f"TOUCHLINE_{name}.*{value}"):
        Config.load(env)


def test_children_get_the_same_settings(tmp_path: Path) -> None:
    config = Config.load({"TOUCHLINE_TOKEN_SECONDS": "60"}, data_dir=str(tmp_path))
    again = Config.load(config.environment())
    for setting in SETTINGS:
        name = setting.name.lower()
        assert getattr(again, name) == getattr(config, name)


def test_shown_settings_hold_no_secret() -> None:
    env = {
        "TOUCHLINE_SECRET_KEY": "do-not-show-1",
        "TOUCHLINE_DATABASE_URL": "postgresql+psycopg://me:do-not-show-2@host/name",
        "TOUCHLINE_REDIS_URL": "redis://:do-not-show-3@host:6379/0",
    }
    shown = {row["name"]: row["value"] for row in settings(Config.load(env))}
    assert "do-not-show" not in str(shown)
    assert shown["TOUCHLINE_SECRET_KEY"] == MASK
    assert shown["TOUCHLINE_DATABASE_URL"] == f"postgresql+psycopg://me:{MASK}@host/name"
    assert shown["TOUCHLINE_REDIS_URL"] == f"redis://:{MASK}@host:6379/0"
