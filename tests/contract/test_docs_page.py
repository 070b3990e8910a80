"""The documentation page: served whole by ourselves, under a policy that allows nothing else."""

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.conftest import World
from tests.contract.seeded import Seeded


def test_the_page_and_all_it_needs(world: World) -> None:
    page = world.get("//docs/")
    assert page.mimetype == "text/html"
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(needed) == 5
    for path in needed:
        assert path.startswith("/"), "nothing from another host"
        answer = world.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.data
    assert "<script>" not in page.text
    assert " on" not in re.sub(r">[^<]*<", "><", page.text)


@pytest.mark.parametrize("path", ["//docs/", "//docs/start.js", "//docs/swagger-ui-bundle.js"])
def test_its_policy(world: World, path: str) -> None:
    policy = world.get(path).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_only_named_files_are_served(world: World) -> None:
    for path in ("oauth2-redirect.html", "../flask_swagger_ui.py", "%2e%2e/__init__.py"):
        assert world.get(f"//docs/{path}").status_code == 404


def test_the_document_is_valid_openapi(seeded_world: Seeded) -> None:
    document = seeded_world.client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    operations = [
        operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert "default" not in operation["responses"]
