"""What is known about why rules found what they found. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.workflow.explain.lifting import Lift
    from bspec_opa.workflow.explain.meant import Meant
    from bspec_opa.workflow.explain.rego_text import Block
    from bspec_opa.workflow.explain.trace import Seen
    from bspec_opa.workflow.facts.spot import Spot

DENIED, PENDING, WARNED, WAIVED = "denied", "pending", "warned", "waived"


@dataclass(frozen=True, slots=True)
class Read:
    """Something that a rule refers to, and what it is in this decision's input or in the organisation's data."""

    reference: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Why:
    """One finding, and how it came about.

    Attributes:
        finding: what the rule says.
        status: denied, pending, warned or waived.
        spot: its place in the intent's source; None where the source is not there.
        value: what stands at the finding's path, where the source is not there.
        blocks: the block that fired; several where they can't be told apart without OPA.
        evaluated: lines of the conditions that held; only OPA tells.
        seen: what the conditions saw; only OPA tells.
    """

    finding: Finding
    status: str
    spot: Spot | None
    value: JsonValue
    blocks: tuple[Block, ...]
    evaluated: tuple[int, ...] = ()
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """A rule with everything that it could find, what it found, and what it looks at.

    Attributes:
        shipped: whether it is a rule of the shipped library, which has a page in the documentation.
    """

    entry: RuleEntry
    outcome: RuleOutcome
    blocks: tuple[Block, ...]
    findings: tuple[Why, ...]
    reads: tuple[Read, ...]
    shipped: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, explained.

    Attributes:
        meant: the decision.
        rules: those that were asked about, in the order of their ids.
        opa_version: whose explanation it is; empty where no OPA is there.
        opa_note: why there is none; empty where there is one.
        contact: whom the organisation names for its rules.
        lift: what would turn it into an allow.
    """

    meant: Meant
    rules: tuple[ExplainedRule, ...]
    opa_version: str
    opa_note: str
    contact: str
    lift: Lift
