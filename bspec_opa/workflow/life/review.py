"""Reviewing an emergency: somebody who took no part in it signs that they have looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT
from bspec_opa.workflow.checkout.inbox import write_record
from bspec_opa.workflow.checkout.signing import Maker, promotion_subjects
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.facts.reviews import is_emergency, took_part
from bspec_opa.workflow.issue import Issued
from bspec_opa.workflow.life.going_back import open_line
from bspec_opa.workflow.reasons import NO_EMERGENCY, REVIEW_INVOLVED

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.place import Place
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.heads import Head


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency rollback that is to be reviewed.

    Attributes:
        place: the project.
        line: the rollback.
        version: of the intent that was redeployed.
        involved: who requested or approved it, and can't review it.
    """

    place: Place
    line: Head
    version: str
    involved: frozenset[str]


def open_emergency(file: Path, world: World, named: str, environment: str) -> Emergency:
    """An emergency by the name of its line.

    Raises:
        UsageError: no such line, or it is no emergency rollback.
        TrustError: it does not count.
    """
    place, line = open_line(file, world, named, environment)
    if not is_emergency(line):
        message = f"ledger entry {line.seq} is an ordinary {line.record.type}"
        raise NO_EMERGENCY.error(message, hint="name an emergency rollback")
    history = read_history(place.ledger.entries, place.anchor.roots, line.record.agent, place.world.now)
    history = history.with_inbox(place.inbox.of(line.record.agent).records)
    intent = stored_intent(place.objects, line.subject(INTENT_SUBJECT))
    return Emergency(place, line, intent.intent.metadata.version, took_part(history, line))


def review(emergency: Emergency, reason: str, signer: Signer) -> Issued:
    """Sign that an emergency was looked at, and what was found.

    Raises:
        TrustError: the signer holds no role to review, or took part.
    """
    place, line = emergency.place, emergency.line
    principal = place.anchor.root.principal_of(signer.keyid)
    if principal is not None and principal.id in emergency.involved:
        raise REVIEW_INVOLVED.error(f"{principal.id} took part in the emergency", hint="let somebody else review it")
    own: JsonObject = {"environment": line.record.environment, "line": line.line, "reason": reason}
    subjects = promotion_subjects(line.subject(INTENT_SUBJECT), line.subject(BINDING_SUBJECT))
    record = Maker(place.anchor, line.record.agent, place.world.now).make("review", subjects, own, signer)
    return Issued(record, write_record(place.project.records_directory, "review", record.id, record.envelope))
