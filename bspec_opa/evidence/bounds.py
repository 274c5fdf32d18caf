"""Exact one-sided Clopper-Pearson bounds in basis points.

The lower bound of a pass rate at confidence ``1 - alpha`` is the largest whole number of basis points ``b`` with
``P(X >= passed | n, b/10000) <= alpha`` (Clopper and Pearson, Biometrika 26, 1934). A float only guesses where it
lies; membership is decided by arithmetic with directed rounding, and by whole numbers where even that can't tell,
so that the same counts give the same bound on every machine.
"""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache

ONE_BP = 10_000
"""Basis points of a whole."""
CONFIDENCES = (0, 9000, 9500, 9900)
"""What a requirement may ask for, in basis points; 0 is the point estimate."""
_DIGITS = 50
_STRIDE = 16


def pass_bound(cases: int, passed: int, confidence_bp: int) -> int:
    """The lower bound of the pass rate, in basis points.

    Args:
        cases: how many were tried, at least 1.
        passed: how many of them passed.
        confidence_bp: 0 for the point estimate, rounded down; else above 5000 and below 10000.

    Raises:
        ValueError: the arguments are outside these bounds.
    """
    if not 0 <= passed <= cases or cases < 1:
        raise ValueError(f"{passed} of {cases} cases")
    if confidence_bp == 0:
        return ONE_BP * passed // cases
    if not ONE_BP // 2 < confidence_bp < ONE_BP:
        raise ValueError(f"confidence of {confidence_bp} basis points")
    return _clopper_pearson(cases, passed, ONE_BP - confidence_bp) if passed else 0


def attack_bound(cases: int, passed: int, confidence_bp: int) -> int:
    """The upper bound of the rate of cases that did not pass, in basis points: what :func:`pass_bound` leaves."""
    return ONE_BP - pass_bound(cases, passed, confidence_bp)


@lru_cache(maxsize=4096)
def _clopper_pearson(cases: int, passed: int, alpha_bp: int) -> int:
    return _settle(cases, passed, alpha_bp, _guess(cases, passed, alpha_bp))


def _settle(cases: int, passed: int, alpha_bp: int, bound: int) -> int:
    """The largest rate whose tail is within alpha, from a guess: two exact comparisons when the guess is right."""
    while not tail_at_most(cases, passed, bound, alpha_bp):
        bound -= 1
    while tail_at_most(cases, passed, bound + 1, alpha_bp):
        bound += 1
    return bound


def tail_at_most(cases: int, passed: int, rate_bp: int, alpha_bp: int, digits: int = _DIGITS) -> bool:
    """Whether ``P(X >= passed | cases, rate) <= alpha``, exactly, for an alpha below one half.

    Args:
        cases: the number of trials.
        passed: the least number of successes in the tail, at least 1.
        rate_bp: the rate of success, in basis points.
        alpha_bp: the level, in basis points.
        digits: significant digits of the directed arithmetic; only the speed depends on it.
    """
    if rate_bp == 0:
        return True
    if rate_bp * cases >= ONE_BP * passed:
        # The median of a binomial is its mean where that is whole (Kaas and Buhrman, 1980): the tail is >= 1/2.
        return False
    alpha = Decimal(alpha_bp).scaleb(-4)
    if _tail(_context(ROUND_CEILING, digits), cases, passed, rate_bp) <= alpha:
        return True
    if _tail(_context(ROUND_FLOOR, digits), cases, passed, rate_bp) > alpha:
        return False
    level: int = alpha_bp * ONE_BP ** (cases - 1)
    return _whole_tail(cases, passed, rate_bp) <= level


def _context(rounding: str, digits: int) -> Context:
    return Context(prec=digits, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN)


def _tail(context: Context, cases: int, passed: int, rate_bp: int) -> Decimal:
    """The tail, rounded one way: every operand is positive, so every step errs in the context's direction."""
    other_bp = ONE_BP - rate_bp
    term = context.multiply(
        _binomial(context.rounding, context.prec, cases, passed),
        context.multiply(
            _power(context, Decimal(rate_bp).scaleb(-4), passed),
            _power(context, Decimal(other_bp).scaleb(-4), cases - passed),
        ),
    )
    total, cutoff = Decimal(0), Decimal(1).scaleb(-context.prec)
    for successes in range(passed, cases + 1):
        total = context.add(total, term)
        # the ratio of the next term to this one; it falls, so that the rest lies below a geometric series
        up, down = (cases - successes) * rate_bp, (successes + 1) * other_bp
        if term < context.multiply(total, cutoff):
            rest = context.divide(context.multiply(term, Decimal(down)), Decimal(down - up))
            return context.add(total, rest) if context.rounding == ROUND_CEILING else total
        term = context.divide(context.multiply(term, Decimal(up)), Decimal(down))
    return total


def _power(context: Context, base: Decimal, exponent: int) -> Decimal:
    """By squaring: :meth:`Context.power` promises no direction of its rounding."""
    result = Decimal(1)
    while exponent:
        if exponent & 1:
            result = context.multiply(result, base)
        base = context.multiply(base, base)
        exponent >>= 1
    return result


@lru_cache(maxsize=64)
def _binomial(rounding: str, digits: int, cases: int, chosen: int) -> Decimal:
    """``cases`` over ``chosen``, rounded one way; factors go in groups, as whole numbers multiply faster."""
    context = _context(rounding, digits)
    chosen = min(chosen, cases - chosen)
    result = Decimal(1)
    for start in range(0, chosen, _STRIDE):
        end = min(start + _STRIDE, chosen)
        above = Decimal(math.prod(range(cases - end + 1, cases - start + 1)))
        below = Decimal(math.prod(range(start + 1, end + 1)))
        result = context.divide(context.multiply(result, above), below)
    return result


def _whole_tail(cases: int, passed: int, rate_bp: int) -> int:
    """The tail times ``10000 ** cases``, as a whole number."""
    other_bp = ONE_BP - rate_bp
    return sum(math.comb(cases, k) * rate_bp**k * other_bp ** (cases - k) for k in range(passed, cases + 1))


def _guess(cases: int, passed: int, alpha_bp: int) -> int:
    """Close to the bound: bisection over the tail in floating point."""
    low, high = 0, ONE_BP * passed // cases
    while low < high:
        middle = (low + high + 1) // 2
        if _float_tail(cases, passed, middle / ONE_BP) <= alpha_bp / ONE_BP:
            low = middle
        else:
            high = middle - 1
    return low


def _float_tail(cases: int, passed: int, rate: float) -> float:
    if rate >= 1:
        return 1.0
    term = math.exp(
        math.lgamma(cases + 1)
        - math.lgamma(passed + 1)
        - math.lgamma(cases - passed + 1)
        + passed * math.log(rate)
        + (cases - passed) * math.log1p(-rate)
    )
    total, odds = 0.0, rate / (1 - rate)
    for successes in range(passed, cases + 1):
        total += term
        term *= (cases - successes) / (successes + 1) * odds
        if term < total * 1e-12:
            break
    return total
