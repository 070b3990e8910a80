"""A walk over the contract table: every operation's success with its exact keys and types, each of
its refusals, each of its query parameters; and the vendor's own list, where it is there.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from core.api import contract
from core.api.contract import BY_NAME, OPERATIONS, Operation
from tests.contract import contract_walk as walk
from tests.contract.rights_rows import Row, ask
from tests.contract.seeded import PASSWORD, Seeded

WITH_BEARER = [operation for operation in OPERATIONS if not operation.name.startswith("oauth.")]
BY_ID = [pytest.param(operation, id=operation.name) for operation in WITH_BEARER]
UNLISTED = {"/api/v1/openapi.json"}


@pytest.fixture(scope="module")
def document(seeded_world: Seeded) -> dict[str, Any]:
    return seeded_world.client.get("/api/v1/openapi.json").get_json()


def described(document: dict[str, Any], operation: Operation) -> dict[str, Any]:
    return document["paths"][operation.path][operation.method.lower()]


def parameters(document: dict[str, Any], operation: Operation) -> dict[str, dict[str, Any]]:
    """The query parameters."""
    found = described(document, operation).get("parameters", [])
    return {parameter["name"]: parameter for parameter in found if parameter["in"] == "query"}


def served(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, contract.as_documented(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.rule not in UNLISTED and not rule.websocket
    }


def test_the_sockets_are_what_is_served(seeded_world: Seeded) -> None:
    rules = seeded_world.client.application.url_map.iter_rules()
    paths = {contract.as_documented(rule.rule) for rule in rules if rule.websocket}
    assert paths == set(contract.SOCKETS)


def test_the_table_is_what_is_served(seeded_world: Seeded, document: dict[str, Any]) -> None:
    """Whoever adds a route adds its line to core/api/contract.py and its rows to the matrix."""
    listed = {(operation.method, operation.path) for operation in WITH_BEARER}
    aliases = {(operation.method, alias) for operation in OPERATIONS for alias in operation.aliases}
    assert served(seeded_world.client.application) == listed | aliases
    assert len(BY_NAME) == len(OPERATIONS)
    in_document = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item.keys() - {"parameters"}
    }
    assert in_document == {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_alias_answers(seeded_world: Seeded) -> None:
    for operation in WITH_BEARER:
        row = walk.row_of(operation)
        first = ask(seeded_world, row, walk.asker(row))
        short = operation.path.replace("/api/v1/", "/v1/")
        for spelling in (*operation.aliases, operation.path[:-1], short, short[:-1]):
            again = ask(seeded_world, row, walk.asker(row), path=spelling)
            assert again.status_code == first.status_code, (spelling, again.text)


def check_schema(document: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    """The types are the documented ones, and the keys those and no others."""
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole).validate(body)
    _check_keys(document, schema, body, "")


def _check_keys(document: dict[str, Any], schema: dict[str, Any], body: Any, at: str) -> None:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for option in schema.get("anyOf", []):
        if body is not None and option.get("type") != "null":
            _check_keys(document, option, body, at)
    if isinstance(body, list) and "items" in schema:
        for item in body:
            _check_keys(document, schema["items"], item, f"{at}[]")
    known = {
        name: inner
        for name, inner in schema.get("properties", {}).items()
        if not inner.get("writeOnly")
    }
    if not known or not isinstance(body, dict) or schema.get("additionalProperties"):
        return
    assert set(body) <= set(known), at
    assert set(known) - set(body) <= set(walk.SOMETIMES), at
    for name, value in body.items():
        _check_keys(document, known[name], value, f"{at}/{name}")


@pytest.mark.parametrize("operation", BY_ID)
def test_success(seeded_world: Seeded, document: dict[str, Any], operation: Operation) -> None:
    row = walk.row_of(operation)
    answer = ask(seeded_world, row, walk.asker(row))
    assert answer.status_code == operation.success, answer.text
    responses = described(document, operation)["responses"]
    assert [int(status) for status in responses if status < "300"] == [operation.success]
    content = responses[str(operation.success)].get("content")
    if operation.success == 204:
        assert not answer.data
        assert not content
        return
    assert content, "the success has no documented body"
    assert answer.mimetype in content
    if answer.mimetype == "application/json":
        check_schema(document, content["application/json"]["schema"], answer.get_json())


@pytest.mark.parametrize("operation", BY_ID)
def test_refusals(seeded_world: Seeded, document: dict[str, Any], operation: Operation) -> None:
    responses = described(document, operation)["responses"]
    has_body = "requestBody" in described(document, operation)
    listed = contract.statuses(operation, body=has_body)
    assert set(responses) == {str(status) for status in listed}
    problem = {"$ref": "#/components/schemas/Problem"}
    for status in listed[1:]:
        assert responses[str(status)]["content"]["application/problem+json"]["schema"] == problem
        if str(status) in walk.NOT_YET:
            continue
        cases = walk.wrong(operation, status, set(parameters(document, operation)))
        if status == 409 and status not in operation.refusals:
            assert not cases  # of Idempotency-Key only
            continue
        assert cases, f"nothing is known to be refused with {status}"
        for case in cases:
            answer = ask(seeded_world, case.row, case.person, more=case.more, **case.ids)
            assert answer.status_code == status, (case, answer.text)
            assert answer.mimetype == "application/problem+json"
            check_schema(document, problem, answer.get_json())


def _items(answer: TestResponse) -> list[dict[str, Any]]:
    body = answer.get_json()
    return body if isinstance(body, list) else body.get("results", [body])


def _among(item: dict[str, Any], found: list[dict[str, Any]]) -> bool:
    return item.get("id", item) in [other.get("id", other) for other in found]


@pytest.mark.parametrize("operation", BY_ID)
def test_query_parameters(
    seeded_world: Seeded, document: dict[str, Any], operation: Operation
) -> None:
    row = walk.row_of(operation)
    person = walk.asker(row)

    def asked(name: str, value: Any) -> TestResponse:
        value = seeded_world.ids[value[1:]] if str(value).startswith("@") else value
        query = {**dict(parse_qsl(row.query)), name: value}
        return ask(seeded_world, row, person, query=urlencode(query))

    documented = parameters(document, operation)
    reads = operation.method == "GET"
    items = _items(ask(seeded_world, row, person)) if reads and documented else []
    for name, parameter in documented.items():
        known = walk.PARAMETERS[name]
        if known.malformed is not None:
            refused = asked(name, known.malformed)
            assert refused.status_code == 400, (name, refused.text)
            assert name in refused.get_json()["detail"]
        for value in parameter["schema"].get("enum", []) if name == "ordering" else []:
            assert asked(name, value).status_code == operation.success, value
        item = items[-1] if items else {}
        if not reads:
            assert asked(name, known.fits(item)).status_code == operation.success
            continue
        if (value := known.fits(item)) is not None:
            kept = asked(name, value)
            assert kept.status_code == operation.success, (name, kept.text)
            assert not items or _among(item, _items(kept)), name
        if known.hides is not None:
            hidden = asked(name, known.hides)
            if "page" in documented:
                assert not _among(item, _items(hidden)), name
            else:
                assert hidden.status_code == 404 or _items(hidden) != items, name


@pytest.mark.parametrize("noun", ["device", "activity", "athlete"])
def test_embedded_details(seeded_world: Seeded, noun: str) -> None:
    row = walk.row_of(BY_NAME["timeframe.list"])
    answer = ask(seeded_world, row, "admin", query=f"with_{noun}=true")
    for item in _items(answer):
        assert item[f"{noun}_details"]["id"] == item[noun]


def test_the_token_endpoints(seeded_world: Seeded, document: dict[str, Any]) -> None:
    client, oauth = seeded_world.client, seeded_world.oauth
    form = {"grant_type": "password", "username": "owner", "password": PASSWORD}
    answer = client.post("/oauth2/token/", data=form, auth=oauth)
    assert answer.status_code == 200
    check_schema(document, {"$ref": "#/components/schemas/Token"}, answer.get_json())
    revoked = client.post("/oauth2/revoke-token/", data={"token": "unknown"}, auth=oauth)
    assert revoked.status_code == 200
    for path in ("/oauth2/token/", "/oauth2/revoke-token/"):
        for sent, auth, status in (({}, oauth, 400), (form, ("nobody", "x"), 401)):
            refused = client.post(path, data={**sent, "x": ""}, auth=auth)
            assert refused.status_code == status, path
            error = {"$ref": "#/components/schemas/OAuthError"}
            check_schema(document, error, refused.get_json())


# -- the vendor's list ----------------------------------------------------------------------------


def _vendor() -> list[Any]:
    if not walk.VENDOR.is_file():
        reason = "the vendor's list is not beside the project (shared/contract)"
        return [pytest.param(None, marks=pytest.mark.skip(reason), id="absent")]
    return [pytest.param(entry, id=entry["id"]) for entry in walk.vendor_entries()]


def _normal(path: str) -> str:
    return path.replace("{timeFrame}", "{timeframe}")


def _keys(example: Any, answer: Any, at: str = "") -> None:
    """Whatever the vendor's example has, the answer has at the same place."""
    if isinstance(example, dict) and isinstance(answer, dict):
        if at.endswith(("/json", "/params", "/schema", "/details", "/data")):
            return
        missing = set(example) - set(answer)
        assert missing <= set(walk.SOMETIMES), (at, missing)
        for key in example.keys() - missing:
            _keys(example[key], answer[key], f"{at}/{key}")
    elif isinstance(example, list) and isinstance(answer, list) and example and answer:
        _keys(example[0], answer[0], f"{at}[]")


@pytest.mark.parametrize("entry", _vendor())
def test_the_vendors_entry(
    seeded_world: Seeded, document: dict[str, Any], entry: dict[str, Any]
) -> None:
    left_out = walk.NOT_YET.get(entry["id"]) or walk.NOT_YET.get(entry["method"])
    if left_out:
        print(f"not walked: {entry['id']} ({left_out})")
        return
    operation = BY_NAME[walk.VENDOR_ALIASES.get(entry["id"], entry["id"])]
    assert entry["method"] == operation.method
    assert _normal(entry["path"]) in (operation.path, *operation.aliases)
    assert entry["success"] == operation.success
    has_body = "requestBody" in described(document, operation)
    answers = contract.statuses(operation, body=has_body)
    listed = {*entry["errors"], *entry["errors_inferred"]}
    if operation.public:
        listed.discard(403)  # nobody is forbidden to register
    assert listed <= set(answers)
    if operation.method not in walk.WITHOUT_FILTERS:
        assert set(entry["query"] or ()) <= set(parameters(document, operation))
    if operation.name.startswith("oauth.") or entry["response_example"] is None:
        return
    row: Row = walk.row_of(operation)
    _keys(entry["response_example"], ask(seeded_world, row, walk.asker(row)).get_json())


def test_what_is_left_out_is_said() -> None:
    """Printed, with reasons; and nothing that the table serves hides here."""
    for name, reason in walk.NOT_YET.items():
        print(f"{name}: {reason}")
        assert name not in BY_NAME
