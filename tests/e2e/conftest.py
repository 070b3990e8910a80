"""Running platforms, one of each kind for the whole run."""

from collections.abc import Iterator

import pytest

from tests.platform import Platform, many_processes, one_box
from tests.redis_server import redis_server


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`touchline up`: one box on embedded defaults, with receivers of webhooks on this machine."""
    data_dir = tmp_path_factory.mktemp("one-box") / "data"
    with one_box(data_dir, net_allow="127.0.0.0/8") as running:
        yield running


@pytest.fixture(scope="session")
def production(
    tmp_path_factory: pytest.TempPathFactory, postgres_database: str
) -> Iterator[Platform]:
    """One process per role, on PostgreSQL and a Redis of its own."""
    data_dir = tmp_path_factory.mktemp("production") / "data"
    with redis_server() as redis_url, many_processes(data_dir, postgres_database, redis_url) as up:
        yield up


@pytest.fixture(scope="session", params=["platform", "production"])
def every_platform(request: pytest.FixtureRequest) -> Platform:
    """The same test against both ways of running it."""
    return request.getfixturevalue(request.param)
