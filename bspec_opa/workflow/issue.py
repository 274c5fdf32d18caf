"""Signing what people say: submit, attest, approve, request. Each writes one record into the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.catalog import catalog_digest
from bspec_opa.binding.component import digest_component
from bspec_opa.evidence.record import evidence_predicate
from bspec_opa.evidence.result import load_result
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.times import format_time, parse_duration
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT, SURFACE_SUBJECT
from bspec_opa.trust.statement import Subject
from bspec_opa.workflow.checkout.inbox import write_record
from bspec_opa.workflow.checkout.resolving import read_catalogs, read_resolved
from bspec_opa.workflow.checkout.reviewed import require_as_reviewed
from bspec_opa.workflow.checkout.signing import Maker, promotion_subjects
from bspec_opa.workflow.evaluate import situation_of
from bspec_opa.workflow.facts.ending import ending_notes
from bspec_opa.workflow.facts.ground import MISSING_SOURCE
from bspec_opa.workflow.reasons import BINDING_MISSING, SOURCE_CHANGED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.situation import Situation

DEFAULT_APPROVAL = "P7D"
DEFAULT_REQUEST = "P1D"


@dataclass(frozen=True, slots=True)
class Issued:
    """A record that was signed and written."""

    record: Record
    file: Path


def _issue(session: Session, kind: str, subjects: Sequence[Subject], own: JsonObject, signer: Signer) -> Issued:
    record = Maker(session.anchor, session.agent, session.world.now).make(kind, subjects, own, signer)
    return Issued(record, write_record(session.project.records_directory, kind, record.id, record.envelope))


def submit(session: Session, signer: Signer) -> Issued:
    """An author submits an intent with its binding.

    Raises:
        InvalidInputError: there is no binding yet, or not what the catalogs and component files give.
        TrustError: the signer is no author of this agent.
    """
    binding = _resolved(session)
    loaded = session.loaded
    require_as_reviewed(session.project, loaded, binding)
    own: JsonObject = {
        "version": loaded.intent.metadata.version,
        "surface_digest": loaded.surface_digest,
        "schema_digest": loaded.schema_digest,
        "catalog": {"digest": catalog_digest(read_catalogs(session.project))},
        "components": [c.to_json() for c in binding.components],
        "supersedes": [],
    }
    return _issue(session, "submit", promotion_subjects(loaded.digest, binding.digest), own, signer)


def attest(session: Session, environment_name: str, result_file: Path, signer: Signer) -> Issued:
    """An evaluator signs the result of an evaluation run over exactly this surface and binding.

    Raises:
        InvalidInputError: the result is no acceptable one, with every problem's line.
        TrustError: the signer is no evaluator for this agent.
    """
    environment = session.environment(environment_name)
    head = session.history.standing(environment.from_) if environment.from_ else None
    carried = head is not None and head.record.predicate["surface_digest"] == session.loaded.surface_digest
    binding = head.subject(BINDING_SUBJECT) if carried and head else _resolved(session).digest
    data = read_bounded(result_file, MAX_DOCUMENT_BYTES)
    result = load_result(
        data,
        str(result_file),
        scope_out=[o.id for o in session.loaded.intent.scope.out],
        digest_log=lambda name: digest_component(result_file.parent, name),
        now=session.world.now,
    )
    subjects = (Subject(SURFACE_SUBJECT, session.loaded.surface_digest), Subject(BINDING_SUBJECT, binding))
    return _issue(session, "evidence", subjects, evidence_predicate(result, environment.id), signer)


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approver decides.

    Attributes:
        role: the one role that is spoken for.
        reject: whether this is a reject.
        reason: why, for people.
        valid_for: how long it counts, ``P<n>D`` or ``PT<n>H``; not used for a reject.
    """

    role: str
    reject: bool = False
    reason: str = ""
    valid_for: str | None = None


def promotable(session: Session, environment_name: str, *, adopting: bool = False) -> Situation:
    """The situation that an approver or promoter signs, with the inbox as if it were sequenced.

    Raises:
        InvalidInputError: there is no binding, or the source environment has another intent.
    """
    environment = session.environment(environment_name)
    situation = situation_of(session, environment, with_inbox=True, adopting=adopting)
    environment = situation.given.environment
    if situation.binding is None or situation.source == MISSING_SOURCE:
        hint = f"promote it to {environment.from_} first" if environment.from_ else "run bspec-opa resolve"
        message = f"there is nothing to bind for {environment.id} yet"
        why = "; ".join((message, *ending_notes(situation.given.history, environment)))
        raise BINDING_MISSING.error(why, hint=hint)
    source = situation.given.source_head
    if source is not None and source.subject(INTENT_SUBJECT) != session.loaded.digest:
        raise SOURCE_CHANGED.error(
            f"{environment.from_} binds another version of this intent",
            hint=f"promote this version to {environment.from_} first",
            at=session.loaded.document.locate("/metadata/version"),
        )
    return situation


def approve(session: Session, situation: Situation, approval: Approval, signer: Signer) -> Issued:
    """Sign an approval, or a reject, of exactly what the view shows.

    Raises:
        TrustError: the signer does not hold the role.
    """
    evidence = list(situation.evidence)
    own: JsonObject = {
        "environment": situation.given.environment.id,
        "decision": "reject" if approval.reject else "approve",
        "role": approval.role,
        "base": situation.base,
        "source": situation.source,
        "change_digest": situation.change.digest,
        "view": situation.view_digest,
        "evidence": [*evidence],
        "waivers": [*situation.waivers_in_force],
        "expires": "" if approval.reject else _expiry(session, situation, approval),
        "reason": approval.reason,
    }
    return _issue(session, "approval", _subjects(situation), own, signer)


def _expiry(session: Session, situation: Situation, approval: Approval) -> str:
    declared = session.loaded.intent.promotion[situation.given.environment.id].approval_ttl
    return format_time(session.world.now + parse_duration(approval.valid_for or declared or DEFAULT_APPROVAL))


def request(
    session: Session,
    environment_name: str,
    signer: Signer,
    *,
    reason: str,
    valid_for: str | None,
    adopting: bool = False,
) -> Issued:
    """A promoter asks for exactly this promotion.

    Raises:
        TrustError: the signer is no promoter there.
    """
    situation = promotable(session, environment_name, adopting=adopting)
    own: JsonObject = {
        "environment": situation.given.environment.id,
        "base": situation.base,
        "source": situation.source,
        "emergency": session.rollback is not None and session.rollback.emergency,
        "reason": reason,
        "expires": format_time(session.world.now + parse_duration(valid_for or DEFAULT_REQUEST)),
    }
    return _issue(session, "request", _subjects(situation), own, signer)


def _subjects(situation: Situation) -> tuple[Subject, Subject]:
    binding = cast("Binding", situation.binding)
    return promotion_subjects(situation.given.loaded.digest, binding.digest)


def _resolved(session: Session) -> Binding:
    binding = read_resolved(session.project, session.agent)
    if binding is None:
        raise BINDING_MISSING.error("the intent has no binding yet", hint=f"run bspec-opa resolve {session.file}")
    return binding
