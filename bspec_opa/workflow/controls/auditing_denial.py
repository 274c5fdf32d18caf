"""A denial of the ledger as a decision to hold controls against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode, Location
from bspec_opa.workflow.checkout.deciding import open_replay
from bspec_opa.workflow.facts.controls import REFUSAL, Decided
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.facts.proof import proof_of
from bspec_opa.workflow.recorded.again import decide_again
from bspec_opa.workflow.recorded.decisions import PREFIX, find_decision
from bspec_opa.workflow.recorded.inputs import agent_of
from bspec_opa.workflow.recorded.reasons import NOT_REPRODUCED

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.gate.decision import Decision, RuleOutcome
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.recorded.decisions import Recorded
    from bspec_opa.workflow.verifying.verify import Evidence

NOT_REBUILT = "of a denial the recorded input was decided again; its facts were not rebuilt from records"


def denial_of(entry: int, project: Project, evidence: Evidence) -> Decided:
    """The denial of an entry: its signature verified, and decided again on its own input with its own bundle.

    Raises:
        TrustError: it does not verify, its input or bundle is missing or altered, or it is not reproduced.
    """
    recorded = find_decision(f"{PREFIX}{entry}", evidence.ledger, evidence.roots, evidence.now)
    decision, verdict = denied_again(recorded, project.config.place, evidence)
    request, bundle = recorded.request(evidence.objects), recorded.predicate["bundles"][0]
    return Decided(
        subject=f"ledger entry {entry}",
        agent=agent_of(request)[0],
        environment=recorded.predicate["environment"],
        verdict=verdict,
        at=recorded.predicate["now"],
        entry=-1,  # it is no promotion's
        line="",
        basis=REFUSAL,
        advisory=False,
        bundle=BundleRef(bundle["name"], bundle["revision"], bundle["digest"]),
        rules={r.id: _status(r) for r in decision.rules},
        proof=proof_of(request),
        action=str(request["action"]),
    )


def _status(rule: RuleOutcome) -> str:
    return "pending" if rule.status == "deny" and len(rule.denied) == len(rule.pending) else rule.status


def denied_again(recorded: Recorded, place: Path, evidence: Evidence) -> tuple[Decision, str]:
    """The decision and its verdict, if they are what was recorded.

    Args:
        recorded: a denial whose signature was verified.
        place: what is judged; compiled code is never taken from there.
        evidence: roots and objects.

    Raises:
        TrustError: its input or bundle is missing or altered, or it is not reproduced.
    """
    request, policy = recorded.request(evidence.objects), recorded.policy(evidence.objects)
    mandatory = recorded.environment(evidence.roots).mandatory_rules
    with open_replay(policy, evidence.environ, place) as panel:
        decision = decide_again(request, policy, mandatory, panel)
    said = recorded.predicate
    same = decision.statuses() == recorded.statuses() and int(decision.exit_code) == said["decision"]["exit_code"]
    if not same or request["environment"] != said["environment"]:
        message = "deciding again gives another outcome than it records"
        raise NOT_REPRODUCED.error(message, hint="run bspec-opa verify", at=Location(recorded.name))
    return decision, "pending" if decision.exit_code == ExitCode.PENDING else "denied"
