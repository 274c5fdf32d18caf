"""The gate's own records: what a promotion line and a denial say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.times import format_time
from bspec_opa.gate.request import input_digest
from bspec_opa.lock.chain import check_chain
from bspec_opa.lock.line import PROMOTION, ROLLBACK
from bspec_opa.workflow.facts.adopting import adopted_by
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.situation import change_recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.engine.interface import EngineFacts
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.lock.chain import Place
    from bspec_opa.lock.line import LockLine
    from bspec_opa.workflow.facts.evaluation import BundleRef, Evaluation
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.situation import Situation


def lock_of(history: History) -> tuple[LockLine, ...]:
    """The lines that an agent's lock must have, exactly as the ledger has them.

    Raises:
        TrustError: they do not follow each other.
    """
    records = (r.record.envelope for r in history.records if r.record.type in LINE_TYPES and r.seq is not None)
    return check_chain(records, "ledger")


def places_of_lines(entries: Iterable[Entry]) -> dict[bytes, int]:
    """Every lock line that a ledger has, whether it counts or not: its bytes in the lock, to its entry."""
    return {e.record_bytes(): e.seq for e in entries if e.kind in LINE_TYPES}


def line_predicate(situation: Situation, evaluation: Evaluation, decided_on: JsonObject, place: Place) -> JsonObject:
    """The predicate of a lock line, a promotion or a rollback, beyond the common members."""
    binding, request, loaded = situation.binding, situation.request, situation.given.loaded
    assert binding is not None  # noqa: S101 - an allowed decision has one
    assert request is not None  # noqa: S101 - as above
    evidence: list[JsonValue] = [*situation.evidence]
    return {
        "kind": line_kind(situation),
        "environment": evaluation.environment,
        "seq": place.seq,
        "previous": place.previous,
        "base": situation.base,
        "source": situation.source,
        "surface_digest": loaded.surface_digest,
        "schema": loaded.intent.schema_,
        "schema_digest": loaded.schema_digest,
        "binding": binding.to_json(),
        "change": change_recorded(situation.change),
        "submits": [*situation.submits],
        "approvals": cast("list[JsonValue]", situation.approvals),
        "evidence": evidence,
        "waivers": [*evaluation.decision.waivers],
        "reviews": [*situation.reviews],
        "rejected": evaluation.request["rejected"],
        "request": request.id,
        "view": situation.view_digest,
        **going_back(situation),
        "adopted": [*adopted_by(situation, situation.deployed)],
        **_decided(evaluation, decided_on),
    }


def line_kind(situation: Situation) -> str:
    """What a line that comes of this is."""
    return ROLLBACK if situation.given.rollback else PROMOTION


def going_back(situation: Situation) -> JsonObject:
    """What a rollback's line says that a promotion's doesn't."""
    rollback, request = situation.given.rollback, situation.request
    if rollback is None:
        return {}
    requester = request.principal if request else None
    return {"target_line": rollback.target.line, "emergency": rollback.emergency, "requester": requester}


def denial_predicate(situation: Situation, evaluation: Evaluation, decided_on: JsonObject) -> JsonObject:
    """The predicate of a denial beyond the common members."""
    decided = _decided(evaluation, decided_on)
    decision = {**cast("JsonObject", decided["decision"]), "exit_code": int(evaluation.exit_code)}
    return {
        "environment": evaluation.environment,
        "base": situation.base,
        "source": situation.source,
        **decided,
        "decision": decision,
    }


def _decided(evaluation: Evaluation, decided_on: JsonObject) -> JsonObject:
    rules: list[JsonValue] = [{"id": i, "status": s} for i, s in evaluation.decision.statuses().items()]
    return {
        "input_digest": input_digest(evaluation.request),
        "now": format_time(cast("int", evaluation.request["now_unix"])),
        "decision": {
            "engines": [_engine(e) for e in evaluation.engines],
            "assurance": evaluation.assurance,
            "rules": rules,
        },
        "bundles": [_bundle(evaluation.bundle)],
        "decided_on": decided_on,
    }


def _engine(facts: EngineFacts) -> JsonObject:
    return {
        "kind": facts.kind,
        "version": facts.version,
        "bundle_digest": facts.bundle_digest or "",
        "revision": facts.revision,
        "provenance": facts.provenance,
    }


def _bundle(ref: BundleRef) -> JsonObject:
    return {"name": ref.name, "revision": ref.revision, "digest": ref.digest}
