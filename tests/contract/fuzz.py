"""schemathesis over our OpenAPI document: requests that it allows, and requests that it forbids."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.rights_matrix import ROWS
from tests.contract.seeded import Seeded

# schemathesis keeps its checks behind a registry that is filled on demand.
load_all_checks()

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What is not checked here, with the reason.
DISABLED: Mapping[str, str] = {
    "positive_data_acceptance": "what the schema allows may be refused for what is stored: rights,"
    " ids of others, JSON schemas, names that are taken",
    "negative_data_rejection": "unknown query parameters are ignored, as clients rely on",
    "missing_required_header": "no operation needs a header but Authorization",
    "unsupported_method": "tests/guards/test_error_shapes.py asks every path with every method",
    "ignored_auth": "tests/contract/test_rights_matrix.py asks everything without a token",
    "use_after_free": "the world asked forgets every change",
    "ensure_resource_availability": "the world asked forgets every change",
    "allow_header_conformance": "Allow is the router's own",
    "object_level_authorization": "tests/contract/test_rights_matrix.py",
}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def ask_everything(world: Seeded, person: str | None, examples: int, number: int) -> Counter[int]:
    """``examples`` requests of each kind for every operation, those that the document allows for
    things that are there; the statuses that came. Raises what schemathesis finds. ``number`` seeds
    it.
    """
    app, statuses = world.client.application, Counter[int]()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    things = {(row.asked.method, row.asked.path): row.at for row in reversed(ROWS)}
    sent: dict[str, Any] = {}
    if person is not None:
        sent["headers"] = {"Authorization": f"Bearer {world.tokens[person]}"}
    for found in schema.get_all_operations():
        operation = found.ok()
        at = things.get((operation.method.upper(), operation.path), {})
        known = {part: world.ids[name] for part, name in at.items()}
        for mode in MODES:
            given = {"path_parameters": known} if mode is GenerationMode.POSITIVE and known else {}
            strategy = operation.as_strategy(generation_mode=mode, **sent, **given)
            # Where a request has no part that could be wrong, there is nothing to ask.
            with suppress(Unsatisfiable):
                _ask(strategy, sent, examples, number, statuses)
    return statuses


def _ask(
    strategy: Any, sent: Mapping[str, Any], examples: int, number: int, statuses: Counter[int]
) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def asked(case: Any) -> None:
        answer = case.call(**sent)
        case.validate_response(answer, checks=CHECKS)
        statuses[answer.status_code] += 1

    asked()
