"""The same harnesses for Hypothesis: saved inputs with a few changes; a fuzzer can draw them, too (``fuzz_one_input``)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fuzzing.corpora import saved
from fuzzing.harnesses import HARNESSES
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = (
    b"\0",
    b"\n",
    b"\r\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"- ",
    b"null",
    b"1e3",
    b"-0",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\\u0000",
    b"NaN",
)


@st.composite
def mutated(draw: Callable[[Any], Any], name: str) -> bytes:
    """One of the saved inputs, cut, doubled, mixed with another, or with other bytes in it."""
    inputs = st.sampled_from(saved(name))
    data: bytes = draw(inputs)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 16)))
        piece = draw(st.sampled_from(WORDS) | st.binary(max_size=4) | st.just(data[at:end] * 2) | inputs)
        data = data[:at] + piece + data[end:]
    return data


@cache
def mutations(name: str) -> Any:
    """A property test: whatever is made of the saved inputs, the harness holds. Also an entry for other fuzzers."""

    @given(mutated(name))
    def holds(data: bytes) -> None:
        HARNESSES[name].check(data)

    return holds
