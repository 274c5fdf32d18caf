"""One input under two bundles: what differs, rule by rule. Pure, plain data that crosses processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.bundle.index import Index
    from bspec_opa.gate.decision import Decision, RuleOutcome

ALLOWED, WARNED, PENDING, DENIED = "allowed", "warned", "pending", "denied"
VERDICTS = (ALLOWED, WARNED, PENDING, DENIED)
"""From the best to the worst; an allow with warnings is ``warned``."""
ABSENT, PASS, WAIVED = "absent", "pass", "waived"
STATES = (ABSENT, PASS, WAIVED, WARNED, PENDING, DENIED)
"""What a rule says of an input; ``absent`` if it is not in the bundle, or does not run there."""
QUIET = frozenset({ABSENT, PASS, WAIVED})
FIRING, SILENT, CHANGED = "newly-firing", "no-longer-firing", "changed"

Said = tuple[str, str, str]
"""Level, message and path of a finding."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that says something else.

    Attributes:
        rule: its id.
        severity: under the candidate, or under the current bundle where the candidate has no such rule.
        kind: newly firing, no longer firing, or changed: another level, message, path or number of findings.
        before: its state under the current bundle.
        after: its state under the candidate.
        appeared: what only the candidate says.
        disappeared: what only the current bundle says.
    """

    rule: str
    severity: str
    kind: str
    before: str
    after: str
    appeared: tuple[Said, ...]
    disappeared: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """What one bundle says of an input: the verdict, and codes of the floor's refusals."""

    verdict: str
    floor: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One input under both bundles.

    Attributes:
        name: the file, or ``entry:41``.
        at: when it was recorded, Unix seconds; both bundles decide as of then.
        voided: waivers that the candidate voids by changing the rule's source: record id and rule.
    """

    name: str
    agent: str
    version: str
    environment: str
    at: int
    before: Side
    after: Side
    changes: tuple[RuleChange, ...]
    voided: tuple[tuple[str, str], ...]

    @property
    def is_changed(self) -> bool:
        """Whether anything differs."""
        return self.before != self.after or bool(self.changes) or bool(self.voided)

    @property
    def new_denial(self) -> bool:
        """Denied under the candidate and not denied before: allowed, warned, or only pending, also by a waiver."""
        return self.after.verdict == DENIED and self.before.verdict != DENIED


def side_of(decision: Decision) -> Side:
    """What one bundle says."""
    code = decision.exit_code
    verdict = {ExitCode.DENIED: DENIED, ExitCode.PENDING: PENDING}.get(code, WARNED if decision.warned else ALLOWED)
    # Where Rego has denied already, the floor has nothing to add.
    told = not any(r.denied for r in decision.rules)
    return Side(verdict, tuple(p.reason.code for p in decision.refusals) if told else ())


def changes_of(before: Decision, after: Decision) -> tuple[RuleChange, ...]:
    """The rules that say something else, in the order of their ids."""
    old, new = ({r.id: r for r in d.rules} for d in (before, after))
    return tuple(c for rule in sorted(old.keys() | new.keys()) if (c := _change(rule, old, new)) is not None)


def _change(rule: str, old: Mapping[str, RuleOutcome], new: Mapping[str, RuleOutcome]) -> RuleChange | None:
    before, after = old.get(rule), new.get(rule)
    states = _state(before), _state(after)
    said, says = frozenset(_said(before)), frozenset(_said(after))
    if said == says and (states[0] == states[1] or QUIET.issuperset(states)):
        return None
    severity = (after or before).severity  # type: ignore[union-attr] # one of both has it
    appeared, disappeared = tuple(sorted(says - said)), tuple(sorted(said - says))
    return RuleChange(rule, severity, _kind(*states), *states, appeared, disappeared)


def _kind(before: str, after: str) -> str:
    if before in QUIET and after not in QUIET:
        return FIRING
    return SILENT if after in QUIET and before not in QUIET else CHANGED


def _state(rule: RuleOutcome | None) -> str:
    if rule is None:
        return ABSENT
    if rule.denied:
        return PENDING if len(rule.pending) == len(rule.denied) else DENIED
    return WARNED if rule.warned else WAIVED if rule.waived else PASS


def _said(rule: RuleOutcome | None) -> Iterator[Said]:
    if rule is None:
        return
    for finding in rule.denied:
        yield PENDING if finding in rule.pending else DENIED, finding.message, finding.path
    for level, findings in ((WARNED, rule.warned), (WAIVED, rule.waived)):
        yield from ((level, f.message, f.path) for f in findings)


@dataclass(frozen=True, slots=True)
class Sources:
    """What differs between the bundles themselves.

    Attributes:
        added: rules that only the candidate has.
        removed: rules that only the current bundle has.
        changed: rules with another source, whose waivers are void under the candidate.
        data_changed: whether the organisation's data is another.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    data_changed: bool


def sources_of(before: Index, after: Index, *, data_changed: bool) -> Sources:
    """What differs between two bundles' rules."""
    old, new = ({r.id: r.digest for r in i.rules} for i in (before, after))
    changed = tuple(sorted(r for r in old.keys() & new.keys() if old[r] != new[r]))
    return Sources(
        tuple(sorted(new.keys() - old.keys())), tuple(sorted(old.keys() - new.keys())), changed, data_changed
    )
