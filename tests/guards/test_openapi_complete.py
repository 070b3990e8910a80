"""The OpenAPI document says everything: each parameter, body, answer, refusal and how to prove who
one is; and each of its examples is what its schema allows. Whoever adds a route with a word that is
new adds the word to core/api/examples.py.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from core.api.examples import Examples, Missing
from core.models.db import Database
from tests.contract.conftest import app, config, redis_url, registry  # noqa: F401

METHODS = {"get", "put", "post", "patch", "delete"}
CHECK = Draft202012Validator.FORMAT_CHECKER


class Part(NamedTuple):
    """A place that has a schema and an example; ``asked`` of the caller, or answered."""

    where: str
    schema: dict[str, Any]
    holder: dict[str, Any]
    asked: bool


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    return db_sqlite


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:  # noqa: F811
    return app.test_client().get("/api/v1/openapi.json").get_json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Where, the operation, all of its parameters."""
    for path, item in document["paths"].items():
        for method in item.keys() & METHODS:
            listed = item.get("parameters", []) + item[method].get("parameters", [])
            yield f"{method.upper()} {path}", item[method], listed


def bodies(document: dict[str, Any]) -> Iterator[Part]:
    for where, operation, _ in operations(document):
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            yield Part(f"{where} {media}", content["schema"], content, True)
        for status, response in operation["responses"].items():
            for media, content in response.get("content", {}).items():
                yield Part(f"{where} {status} {media}", content["schema"], content, False)


def given(document: dict[str, Any], part: Part) -> list[Any]:
    """Its examples, references followed."""
    named = part.holder.get("examples", {}).values()
    values = [
        document["components"]["examples"][each["$ref"].rsplit("/", 1)[1]]["value"]
        if "$ref" in each
        else each["value"]
        for each in named
    ]
    return [*values, *([part.holder["example"]] if "example" in part.holder else [])]


def is_file(part: Part) -> bool:
    """Bytes have no example: what they look like is their format's affair."""
    return part.schema.get("format") == "binary"


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_says_what_it_does_and_who_may(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert all(scheme["description"] for scheme in schemes.values())
    names = [operation["operationId"] for _, operation, _ in operations(document)]
    assert len(names) == len(set(names)) > 90
    for where, operation, _ in operations(document):
        assert operation["summary"], where
        assert operation["tags"], where
        assert isinstance(operation["security"], list), where
        assert {name for each in operation["security"] for name in each} <= set(schemes), where


def test_every_parameter_has_a_sentence_and_an_example(document: dict[str, Any]) -> None:
    for where, _, listed in operations(document):
        for parameter in listed:
            name = f"{where}: {parameter['in']} {parameter['name']}"
            assert parameter.get("description", "").endswith("."), name
            assert "example" in parameter, f"{name}: a word for core/api/examples.py"


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    composing = Examples(document["components"]["schemas"])
    missing = {}
    for part in bodies(document):
        if given(document, part) or is_file(part):
            continue
        try:
            composing.of(part.schema, asked=part.asked)
        except Missing as error:
            missing[part.where] = f"no word for {error} in core/api/examples.py"
        else:
            missing[part.where] = "no example"
    assert not missing


def test_every_success_but_204_has_a_body(document: dict[str, Any]) -> None:
    for where, operation, _ in operations(document):
        for status, response in operation["responses"].items():
            empty = status == "204" or where == "POST /oauth2/revoke-token/"
            assert bool(response.get("content")) is not (empty and status < "300"), (where, status)


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for part in bodies(document):
        where, status = part.where.rsplit(" ", 2)[0], part.where.split()[2]
        if part.asked or status < "400":
            continue
        if "/oauth2/" in where and status in ("400", "401"):
            assert part.schema == {"$ref": "#/components/schemas/OAuthError"}, part.where
            continue
        assert part.where.endswith("application/problem+json")
        assert part.schema == {"$ref": "#/components/schemas/Problem"}, part.where
        assert [shown["status"] for shown in given(document, part)] == [int(status)], part.where


def test_every_example_is_what_its_schema_allows(document: dict[str, Any]) -> None:
    components = document["components"]
    parameters = [
        Part(f"{where} {each['name']}", each["schema"], each, True)
        for where, _, listed in operations(document)
        for each in listed
    ]
    checked = 0
    for part in (*bodies(document), *parameters):
        whole = Draft202012Validator(
            {**part.schema, "components": components}, format_checker=CHECK
        )
        for value in given(document, part):
            wrong = [f"{error.json_path}: {error.message}" for error in whole.iter_errors(value)]
            assert not wrong, (part.where, wrong)
            checked += 1
    assert checked > 700


def test_no_schema_of_others_is_left(document: dict[str, Any]) -> None:
    """Each one is used by some operation."""
    text = str(document)
    for name in document["components"]["schemas"]:
        assert f"'#/components/schemas/{name}'" in text, name
