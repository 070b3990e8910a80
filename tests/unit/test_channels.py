"""The framing of live messages."""

from hypothesis import given
from hypothesis import strategies as st

from core.channels import Live


@given(st.integers(0, 2**63), st.integers(0, 2**63), st.binary())
def test_a_message_comes_back_as_it_was_packed(key: int, seq: int, data: bytes) -> None:
    assert Live.unpack(Live(key, seq, data).pack()) == Live(key, seq, data)
