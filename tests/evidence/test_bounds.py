from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bspec_opa.evidence import bounds
from bspec_opa.evidence.bounds import CONFIDENCES, attack_bound, pass_bound, tail_at_most
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES

LEVELS = [c for c in CONFIDENCES if c]


def tail(cases: int, passed: int, rate_bp: int) -> Fraction:
    """P(X >= passed), by the book."""
    rate = Fraction(rate_bp, 10_000)
    return sum(
        (comb(cases, k) * rate**k * (1 - rate) ** (cases - k) for k in range(passed, cases + 1)), start=Fraction(0)
    )


def brute_force(cases: int, passed: int, confidence_bp: int) -> int:
    """The largest rate whose tail is within alpha, found without any approximation."""
    if passed == 0:
        return 0
    alpha = Fraction(10_000 - confidence_bp, 10_000)
    low, high = 0, 10_000
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tail(cases, passed, middle) <= alpha else (low, middle - 1)
    return low


@pytest.mark.parametrize("confidence_bp", LEVELS)
@pytest.mark.parametrize("cases", range(1, 13))
def test_equals_the_definition_for_every_small_count(cases: int, confidence_bp: int) -> None:
    found = [pass_bound(cases, passed, confidence_bp) for passed in range(cases + 1)]
    assert found == [brute_force(cases, passed, confidence_bp) for passed in range(cases + 1)]


@settings(max_examples=30, deadline=None)
@given(st.integers(13, 120).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.sampled_from(LEVELS))
def test_equals_the_definition(counts: tuple[int, int], confidence_bp: int) -> None:
    assert pass_bound(*counts, confidence_bp) == brute_force(*counts, confidence_bp)


@pytest.mark.parametrize(
    ("cases", "passed", "confidence_bp", "expected"),
    [
        # 0.05 ** (1 / 50) = 0.94184, 0.05 ** (1 / 100) = 0.97049, 0.05 ** (1 / 200) = 0.98513
        (50, 50, 9500, 9418),
        (100, 100, 9500, 9704),
        (200, 200, 9500, 9851),
        # 0.01 ** (1 / 100) = 0.95499, 0.1 ** (1 / 100) = 0.97724
        (100, 100, 9900, 9549),
        (100, 100, 9000, 9772),
        # a tail that equals alpha is within it
        (1, 1, 9500, 500),
        (1, 1, 9000, 1000),
        (2, 2, 9900, 1000),
        # solved for P(X >= 90) = 0.05 in floating point: 0.836282
        (100, 90, 9500, 8362),
        (100, 0, 9500, 0),
        (100_000, 0, 9900, 0),
    ],
)
def test_known_values(cases: int, passed: int, confidence_bp: int, expected: int) -> None:
    assert pass_bound(cases, passed, confidence_bp) == expected


@pytest.mark.parametrize(
    ("cases", "passed", "expected"), [(3, 2, 6666), (3, 3, 10_000), (3, 0, 0), (10_000, 9999, 9999), (7, 6, 8571)]
)
def test_without_confidence_it_is_the_rate_rounded_against_the_agent(cases: int, passed: int, expected: int) -> None:
    assert pass_bound(cases, passed, 0) == expected
    assert attack_bound(cases, passed, 0) == 10_000 - expected


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(CONFIDENCES))
def test_more_passed_is_never_worse(cases: int, passed: int, confidence_bp: int) -> None:
    passed = min(passed, cases)
    assert pass_bound(cases, passed - 1, confidence_bp) <= pass_bound(cases, passed, confidence_bp)
    assert pass_bound(cases, passed, confidence_bp) >= pass_bound(cases + 1, passed, confidence_bp)


@given(st.integers(1, 400), st.integers(0, 400))
def test_more_confidence_never_gives_more(cases: int, passed: int) -> None:
    found = [pass_bound(cases, min(passed, cases), c) for c in CONFIDENCES]
    assert found == sorted(found, reverse=True)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, MAX_EVIDENCE_CASES), st.sampled_from(LEVELS))
def test_the_largest_counts_are_bracketed(passed: int, confidence_bp: int) -> None:
    bound = pass_bound(MAX_EVIDENCE_CASES, passed, confidence_bp)
    assert bound == 0 or tail_at_most(MAX_EVIDENCE_CASES, passed, bound, 10_000 - confidence_bp)
    assert passed == 0 or not tail_at_most(MAX_EVIDENCE_CASES, passed, bound + 1, 10_000 - confidence_bp)


@settings(deadline=None)
@given(
    st.integers(2, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.integers(1, 10_000),
    st.sampled_from(LEVELS),
    st.integers(1, 4),
)
def test_too_few_digits_are_noticed(counts: tuple[int, int], rate_bp: int, confidence_bp: int, digits: int) -> None:
    within = tail(*counts, rate_bp) <= Fraction(10_000 - confidence_bp, 10_000)
    assert tail_at_most(*counts, rate_bp, 10_000 - confidence_bp, digits) == within


def test_a_tail_too_close_for_the_digits_is_decided_by_whole_numbers() -> None:
    bound = pass_bound(50, 40, 9500)
    assert tail_at_most(50, 40, bound, 500, digits=1)
    assert not tail_at_most(50, 40, bound + 1, 500, digits=1)


@pytest.mark.parametrize("guess", [0, 9418, 9419, 9500, 10_000])
def test_a_bad_guess_is_corrected(guess: int) -> None:
    assert bounds._settle(50, 50, 500, guess) == 9418


@pytest.mark.parametrize(
    ("cases", "passed", "confidence_bp"),
    [(0, 0, 9500), (3, 4, 9500), (3, -1, 0), (3, 2, 5000), (3, 2, 10_000), (3, 2, -1)],
)
def test_nonsense_is_refused(cases: int, passed: int, confidence_bp: int) -> None:
    with pytest.raises(ValueError, match=r"cases|confidence"):
        pass_bound(cases, passed, confidence_bp)
