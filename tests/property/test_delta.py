"""A delta makes the newer document of the older one, through JSON and back."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pipeline.delta import apply, delta

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text("abc=+.", max_size=2), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(documents, documents)
def test_any_two_documents(old: Any, new: Any) -> None:
    change = orjson.loads(orjson.dumps(delta(old, new)))
    assert orjson.dumps(apply(old, change), option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        new, option=orjson.OPT_SORT_KEYS
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(), min_size=1), st.lists(st.integers(), max_size=3), st.integers())
def test_a_list_that_grew_costs_what_it_gained(first: list, more: list, last: int) -> None:
    """The last item of a live list is still running, and changes; the others stay."""
    old, new = {"values": [*first, last]}, {"values": [*first, last + 1, *more]}
    kind, inside, gone = delta(old, new)
    assert (kind, gone) == (".", [])
    assert inside["values"] == ["+", len(first), [last + 1, *more]]
    assert apply(old, [kind, inside, gone]) == new


def test_a_table_costs_the_cells_that_changed() -> None:
    old = [[0] * 100 for _ in range(60)]
    new = [list(row) for row in old]
    new[7][3], new[50][99] = 1.5, 2
    change = delta(old, new)
    assert change == ["@", [[7, ["@", [[3, ["=", 1.5]]]]], [50, ["+", 99, [2]]]]]
    assert apply(old, change) == new
    assert not any(map(any, old))
