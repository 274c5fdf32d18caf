"""What each rule costs: its own evaluations by a real OPA, repeated in turns, the median of each input counted."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.foundation.canonical import JsonObject

    Ask = Callable[[str, bytes], int]
    """Evaluates the document at a path for a request's body; returns the nanoseconds of the evaluation alone."""

DECISION = "bspec/gate/decision"
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class RuleCost:
    """What one rule costs.

    Attributes:
        ns: nanoseconds for an input: the mean, over the inputs, of the median of the repetitions.
        share_bp: its share of all rules together, basis points.
        worst_ns: the same for the input that takes longest.
        worst_input: that input's name.
    """

    rule: RuleEntry
    ns: int
    share_bp: int
    worst_ns: int
    worst_input: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What all rules cost.

    Attributes:
        rules: the slowest first.
        inputs: the names of the inputs.
        repeat: how often each was measured.
        decision_ns: a whole decision by OPA: guard, selection, the rules that run there, nanoseconds.
        embedded_ns: the same in the embedded engine, nanoseconds.
    """

    rules: tuple[RuleCost, ...]
    inputs: tuple[str, ...]
    repeat: int
    decision_ns: int
    embedded_ns: int = 0

    @property
    def total_ns(self) -> int:
        """All rules together, nanoseconds."""
        return sum(r.ns for r in self.rules)


def measure(rules: Sequence[RuleEntry], inputs: Mapping[str, JsonObject], ask: Ask, repeat: int) -> Costs:
    """Measure every rule on every input.

    Args:
        rules: of the bundle that ``ask`` evaluates.
        inputs: name to ``bspec.input/v1``; at least one.
        ask: evaluates.
        repeat: how often; one more round goes first and is not counted.
    """
    bodies = {name: b'{"input":' + canonical_bytes(value) + b"}" for name, value in inputs.items()}
    paths = {r.id: _paths(r) for r in rules} | {DECISION: (DECISION,)}
    found: dict[tuple[str, str], list[int]] = {(p, i): [] for p in paths for i in bodies}
    for number in range(repeat + 1):
        # In turns: whatever else the machine does falls on all of them.
        for rule, sets in paths.items():
            for name, body in bodies.items():
                taken = sum(ask(path, body) for path in sets)
                if number:
                    found[rule, name].append(taken)
    medians = {key: int(median(values)) for key, values in found.items()}
    return _summed(rules, tuple(bodies), medians, repeat)


def measure_decisions(inputs: Mapping[str, JsonObject], decide: Callable[[JsonObject], int], repeat: int) -> int:
    """Nanoseconds of a decision: the mean, over the inputs, of the median of the repetitions; one round goes first."""
    medians = [median([decide(value) for _ in range(repeat + 1)][1:]) for value in inputs.values()]
    return int(sum(medians)) // len(medians)


def _summed(
    rules: Sequence[RuleEntry], inputs: tuple[str, ...], medians: Mapping[tuple[str, str], int], repeat: int
) -> Costs:
    means = {p: sum(medians[p, i] for i in inputs) // len(inputs) for p, _ in medians}
    total = sum(means[r.id] for r in rules) or 1
    costs: list[RuleCost] = []
    for rule in rules:
        worst = max(inputs, key=lambda i: medians[rule.id, i])
        share = means[rule.id] * BASIS_POINTS // total
        costs.append(RuleCost(rule, means[rule.id], share, medians[rule.id, worst], worst))
    ordered = sorted(costs, key=lambda c: (-c.ns, c.rule.id))
    return Costs(tuple(ordered), inputs, repeat, means[DECISION])


def _paths(rule: RuleEntry) -> tuple[str, ...]:
    folder = rule.path.rpartition("/")[0]
    return tuple(f"{folder}/{name}" for name, has in (("deny", rule.has_deny), ("warn", rule.has_warn)) if has)
