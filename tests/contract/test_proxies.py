"""Behind a proxy that ends TLS: its word on how the client came is believed, if it is trusted."""

from pathlib import Path

import pytest

from core.config import Config

from .conftest import PASSWORD, SECRET_KEY, World

HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(params=["0", "1"])
def proxies(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def config(tmp_path: Path, redis_url: str, proxies: str) -> Config:
    return Config.load(
        {}, data_dir=str(tmp_path), secret_key=SECRET_KEY, redis_url=redis_url, proxies=proxies
    )


def test_only_a_trusted_proxy_is_believed(world: World, proxies: str) -> None:
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    auth = (world.oauth.client_id, world.oauth_secret)
    for headers, believed in ((HTTPS, proxies == "1"), ({}, False)):
        answer = world.client.post(
            "/oauth2/token/", data=form, auth=auth, headers=headers, base_url="http://club.example"
        )
        assert answer.status_code == (200 if believed else 400)
