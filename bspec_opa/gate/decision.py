"""What the gate decided: every rule's outcome, the floor's refusals and the exit code that follows."""

from __future__ import annotations

from dataclasses import dataclass

from bspec_opa.foundation.errors import ExitCode, Problem


@dataclass(frozen=True, slots=True)
class Needs:
    """What would lift a pending denial.

    Attributes:
        kind: resolve, submit, approval, evidence, request or soak.
        role: the approver's role, for an approval.
        question: the question of paper 6.9, for evidence.
        method: the evaluation method, for evidence.
        count: how many approvals or cases are missing, or seconds of soak.
    """

    kind: str
    role: str = ""
    question: str = ""
    method: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule says; ``path`` is a JSON Pointer into the authored intent."""

    message: str
    path: str
    needs: Needs | None = None


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule's answer, checked.

    Attributes:
        id: the rule's package path after ``data.bspec.rules``.
        status: pass, warn, deny or waived, recomputed from the findings.
        severity: low, medium, high or critical.
        denied: findings that deny; includes the pending ones.
        pending: the part of ``denied`` that something missing explains.
        warned: findings that warn.
        waived: findings covered by verified waivers.
        waivers: record ids of those waivers.
    """

    id: str
    status: str
    severity: str
    denied: tuple[Finding, ...] = ()
    pending: tuple[Finding, ...] = ()
    warned: tuple[Finding, ...] = ()
    waived: tuple[Finding, ...] = ()
    waivers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's verdict. ``allowed`` is true only if every rule ran and none denied, and the floor holds."""

    rules: tuple[RuleOutcome, ...]
    refusals: tuple[Problem, ...] = ()

    @property
    def denied(self) -> tuple[RuleOutcome, ...]:
        """Rules with a denial that nothing missing explains."""
        return tuple(r for r in self.rules if len(r.denied) > len(r.pending))

    @property
    def pending(self) -> tuple[RuleOutcome, ...]:
        """Rules with pending findings."""
        return tuple(r for r in self.rules if r.pending)

    @property
    def warned(self) -> tuple[RuleOutcome, ...]:
        """Rules with warnings."""
        return tuple(r for r in self.rules if r.warned)

    @property
    def passed(self) -> tuple[RuleOutcome, ...]:
        """Rules that found nothing at all."""
        return tuple(r for r in self.rules if r.status == "pass")

    @property
    def waivers(self) -> tuple[str, ...]:
        """The ids of the waivers that lift something, sorted."""
        return tuple(sorted({w for r in self.rules for w in r.waivers}))

    @property
    def waived(self) -> tuple[RuleOutcome, ...]:
        """Rules with a finding that a waiver lifts."""
        return tuple(r for r in self.rules if r.waived)

    @property
    def allowed(self) -> bool:
        """Whether a lock may be emitted. No rule at all is never an allow (attack A41)."""
        return bool(self.rules) and not self.refusals and not any(r.denied for r in self.rules)

    @property
    def exit_code(self) -> ExitCode:
        """0, 4 or 5; the floor turns an allow into 4 and leaves a denial's own code alone."""
        if self.denied or not self.rules:
            return ExitCode.DENIED
        if self.pending:
            return ExitCode.PENDING
        return ExitCode.DENIED if self.refusals else ExitCode.OK

    def statuses(self) -> dict[str, str]:
        """Rule id to status, sorted, as the lock records them."""
        return {r.id: r.status for r in sorted(self.rules, key=lambda r: r.id)}
