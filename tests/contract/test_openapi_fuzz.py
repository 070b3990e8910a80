"""A small run of schemathesis for each role; the large one is benchmarks/prove_openapi.py."""

import pytest

from tests.contract.fuzz import ask_everything
from tests.contract.seeded import Seeded

EXAMPLES = 1  # of each operation and kind


@pytest.mark.parametrize("seeded_world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("person", [None, "owner", "athlete", "admin"])
def test_no_answer_outside_the_document(seeded_world: Seeded, person: str | None) -> None:
    statuses = ask_everything(seeded_world, person, EXAMPLES, number=1)
    assert statuses.total() > 100
    assert max(statuses) < 500
    assert min(statuses) in (200, 201)
