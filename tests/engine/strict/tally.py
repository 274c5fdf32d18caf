"""What three evaluators made of many calls, counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.strict.asking import ERROR, STOPPED, UNDEFINED, Row, same

if TYPE_CHECKING:
    from engine.strict.asking import Outcome
    from engine.strict.calls import Call

EQUAL = "equal value"
QUIET = "undefined in all three"
CAUGHT = "OPA raises, plain undefined, strict stops"
MISSED = "OPA raises, plain undefined, strict undefined"
LAX = "OPA raises, both give a value"
FALSE_STOP = "OPA undefined, strict stops"
LACKING = "OPA a value, plain undefined, strict stops"
DIFFERENT = "values differ, or one is undefined"
PLAIN_STOPS = "plain stops, too"
CHANGED = "strict changes a value"
KINDS = (EQUAL, QUIET, CAUGHT, MISSED, LAX, FALSE_STOP, LACKING, DIFFERENT, PLAIN_STOPS, CHANGED)


def kind_of(opa: Outcome, plain: Outcome, strict: Outcome) -> str:
    """Which of these it is."""
    if plain is STOPPED:
        return PLAIN_STOPS if strict is STOPPED else CHANGED
    if isinstance(plain, Row):
        return _with_a_value(opa, plain) if isinstance(strict, Row) and same(plain, strict) else CHANGED
    if isinstance(strict, Row):
        return CHANGED
    return _without_a_value(opa, stops=strict is STOPPED)


def _with_a_value(opa: Outcome, found: Row) -> str:
    if opa is ERROR:
        return LAX
    return EQUAL if isinstance(opa, Row) and same(opa, found) else DIFFERENT


def _without_a_value(opa: Outcome, *, stops: bool) -> str:
    if opa is ERROR:
        return CAUGHT if stops else MISSED
    if opa is UNDEFINED:
        return FALSE_STOP if stops else QUIET
    return LACKING if stops else DIFFERENT


@dataclass
class Tally:
    """Counts by kind; by builtin, what happened with well-typed arguments in range."""

    kinds: Counter[str] = field(default_factory=Counter)
    plain: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    whole: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    def count(self, call: Call, opa: Outcome, plain: Outcome, strict: Outcome) -> None:
        """One call more."""
        kind = kind_of(opa, plain, strict)
        self.kinds[kind] += 1
        self.whole[call.builtin][kind] += 1
        if call.well_typed and call.in_range:
            self.plain[call.builtin][kind] += 1
        self.examples.setdefault((call.builtin, kind), f"{call.arguments} opa={opa} plain={plain} strict={strict}")

    @property
    def calls(self) -> int:
        """How many."""
        return self.kinds.total()

    def table(self) -> str:
        """For people."""
        rows = [f"{self.kinds[k]:>8}  {k}" for k in KINDS]
        spoilt = {
            b: {k: n for k, n in sorted(c.items()) if k not in {EQUAL, QUIET}} for b, c in sorted(self.plain.items())
        }
        told = [f"{b}: {found} of {self.plain[b].total()}" for b, found in spoilt.items() if found]
        return "\n".join([f"{self.calls:>8}  calls", *rows, "well-typed, integers below 10^15:", *told]) + "\n"
