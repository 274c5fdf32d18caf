"""An evaluation as ``bspec.evaluation/v1``: stable for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.adopting import adoption_json
from bspec_opa.report.decision.rolling import rollback_json
from bspec_opa.report.decision.standing import standing_json
from bspec_opa.report.writing.problems import problem_list
from bspec_opa.workflow.facts.proof import proof_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.engine.interface import EngineFacts
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import ExitCode
    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.workflow.facts.evaluation import BundleRef, Evaluation

VERDICTS = {0: "allowed", 4: "denied", 5: "pending"}


def evaluation_json(
    evaluation: Evaluation,
    next_steps: Sequence[str],
    schema: str = "bspec.evaluation/v1",
    exit_code: ExitCode | None = None,
) -> JsonObject:
    """The whole evaluation; every rule with its findings and their places.

    Args:
        evaluation: what was found.
        next_steps: the commands that come next.
        schema: the document's name.
        exit_code: the process's, where it is not the evaluation's own.
    """
    decision = evaluation.decision
    steps: list[JsonValue] = [*next_steps]
    notes: list[JsonValue] = [*evaluation.notes]
    unsequenced: list[JsonValue] = [*evaluation.unsequenced]
    return {
        "schema": schema,
        "exit_code": int(evaluation.exit_code if exit_code is None else exit_code),
        "file": evaluation.document.name,
        "verdict": VERDICTS[int(evaluation.exit_code)],
        "agent": evaluation.agent,
        "version": evaluation.version,
        "environment": evaluation.environment,
        "rollback": [*rollback_json(evaluation)],
        "adoption": [*adoption_json(evaluation)],
        "advisory": evaluation.advisory,
        "assurance": evaluation.assurance,
        "engines": [engine_json(e) for e in evaluation.engines],
        "bundle": bundle_json(evaluation.bundle),
        "rules": [_rule(evaluation, r) for r in sorted(decision.rules, key=lambda r: r.id)],
        "floor": problem_list(decision.refusals),
        "rejected": [
            {"type": r.type, "id": r.id, "file": r.file, "code": r.code, "message": r.message}
            for r in evaluation.rejected
        ],
        "unsequenced": unsequenced,
        "waivers": [standing_json(w) for w in evaluation.waivers],
        "proof": proof_of(evaluation.request).to_json(),
        "notes": notes,
        "next": steps,
    }


def engine_json(facts: EngineFacts) -> JsonObject:
    """Who decided."""
    return {
        "kind": facts.kind,
        "version": facts.version,
        "revision": facts.revision,
        "bundle_digest": facts.bundle_digest or "",
        "provenance": facts.provenance,
    }


def bundle_json(bundle: BundleRef) -> JsonObject:
    """What decided."""
    return {"name": bundle.name, "revision": bundle.revision, "digest": bundle.digest}


def _rule(evaluation: Evaluation, rule: RuleOutcome) -> JsonObject:
    entry = next(r for r in evaluation.index.rules if r.id == rule.id)
    controls: list[JsonValue] = [*entry.controls]
    return {
        "id": rule.id,
        "code": entry.code,
        "title": entry.title,
        "status": rule.status,
        "severity": rule.severity,
        "remediation": entry.remediation,
        "controls": controls,
        "denied": _findings(evaluation, rule.denied),
        "pending": _findings(evaluation, rule.pending),
        "warned": _findings(evaluation, rule.warned),
        "waived": _findings(evaluation, rule.waived),
    }


def _findings(evaluation: Evaluation, findings: Iterable[Finding]) -> list[JsonValue]:
    return [_finding(evaluation, f) for f in findings]


def _finding(evaluation: Evaluation, finding: Finding) -> JsonObject:
    at = evaluation.document.locate(finding.path)
    needs: list[JsonValue] = []
    if finding.needs is not None:
        n = finding.needs
        needs = [{"kind": n.kind, "role": n.role, "question": n.question, "method": n.method, "count": n.count}]
    return {
        "message": finding.message,
        "path": finding.path,
        "file": at.file,
        "line": at.line or 0,
        "column": at.column or 0,
        "needs": needs,
    }
