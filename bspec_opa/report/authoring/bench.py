"""What rules cost, for people and as ``bspec.policy-bench/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.index import LIBRARY_OWNER
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.authoring.bench.measuring import Costs, RuleCost
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style

_MICRO = 1_000
_PERCENT = 100


def bench_text(bundle: Bundle, costs: Costs, top: int, style: Style) -> str:
    """The slowest rules and everybody's but the library's, then all together."""
    shown = [c for n, c in enumerate(costs.rules) if n < top or c.rule.owner != LIBRARY_OWNER]
    width = max(len(c.rule.id) for c in shown)
    title = f" {'µs':>8}  {'share':>5}  {'worst µs':>8}  {'rule':<{width}}  owner"
    lines = [f"{style.mark('COST', 'bold')}  of a rule for one input, evaluated by OPA {bundle.opa_version}", title]
    lines += [_row(c, width) for c in shown]
    rest = [c for c in costs.rules if c not in shown]
    if rest:
        lines.append(f" {_micro(sum(c.ns for c in rest)):>8}  {_share(rest):>5}  and {count(len(rest), 'more rule')}")
    inputs = count(len(costs.inputs), "input")
    named = f" ({', '.join(costs.inputs)})" if len(costs.inputs) <= 3 else ""  # noqa: PLR2004 - that fit on a line
    lines.append("")
    lines.append(f" {_micro(costs.total_ns):>8} µs  all {len(costs.rules)} rules")
    lines.append(f" {_micro(costs.decision_ns):>8} µs  a decision: guard, selection and the rules that run there")
    lines.append(f" {_micro(costs.embedded_ns):>8} µs  the same in the embedded engine")
    lines.append(f"  {inputs}{printable(named)}, median of {count(costs.repeat, 'round')}")
    return "\n".join(lines) + "\n"


def _row(cost: RuleCost, width: int) -> str:
    share = f"{cost.share_bp / _PERCENT:.1f}%"
    worst = _micro(cost.worst_ns)
    return f" {_micro(cost.ns):>8}  {share:>5}  {worst:>8}  {cost.rule.id:<{width}}  {cost.rule.owner}"


def _micro(ns: int) -> str:
    return f"{ns / _MICRO:.1f}"


def _share(costs: Sequence[RuleCost]) -> str:
    return f"{sum(c.share_bp for c in costs) / _PERCENT:.1f}%"


def bench_json(bundle: Bundle, costs: Costs) -> JsonObject:
    """The same for machines, with every rule."""
    return {
        "schema": "bspec.policy-bench/v1",
        "exit_code": 0,
        "opa_version": bundle.opa_version,
        "revision": bundle.revision,
        "inputs": [*costs.inputs],
        "repeat": costs.repeat,
        "decision_ns": costs.decision_ns,
        "embedded_ns": costs.embedded_ns,
        "total_ns": costs.total_ns,
        "rules": [
            {
                "id": c.rule.id,
                "owner": c.rule.owner,
                "ns": c.ns,
                "share_bp": c.share_bp,
                "worst_ns": c.worst_ns,
                "worst_input": c.worst_input,
            }
            for c in costs.rules
        ],
    }
