"""What a decision stands on: lines, binding, change, authors, runs and waivers, before anybody's approval. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import authors_since, submits_since
from bspec_opa.binding.read import binding_from_json
from bspec_opa.gate.request import GENESIS
from bspec_opa.intent.change import change_of
from bspec_opa.trust.authority import INTENT_SUBJECT
from bspec_opa.workflow.facts.adopting import require_no_line
from bspec_opa.workflow.facts.ending import require_not_retired
from bspec_opa.workflow.facts.parts import counted_runs
from bspec_opa.workflow.facts.viewing import Place
from bspec_opa.workflow.facts.waivers import waivers_of

if TYPE_CHECKING:
    from bspec_opa.approval.facts import Author
    from bspec_opa.approval.waivers import Waiver
    from bspec_opa.binding.model import Binding
    from bspec_opa.evidence.facts import EvidenceRun
    from bspec_opa.intent.change import Change
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.given import Given
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History

NO_SOURCE = "none"
MISSING_SOURCE = "missing"


@dataclass(frozen=True, slots=True)
class Ground:
    """What follows from what was given without looking at approvals and requests.

    Attributes:
        head: the current line here, if there is one.
        source: the source's line, from which a promotion is carried.
        binding: what is bound: resolved, or carried from the source line or the target of a rollback.
        old: the intent of the head.
        change: from the head to this intent and binding.
        submits: those that count, of everything that belongs to this change.
        authors: everyone who submitted a part of it, whatever came of the submit.
        runs: the evaluation runs that count, about whatever surface and binding.
        place: what approvals have to name.
        waivers: every verified waiver of this agent and environment, and what becomes of it.
    """

    head: Head | None
    source: Head | None
    binding: Binding | None
    old: LoadedIntent | None
    change: Change
    submits: tuple[Record, ...]
    authors: tuple[Author, ...]
    runs: list[EvidenceRun]
    place: Place
    waivers: tuple[Waiver, ...]


def ground_of(given: Given) -> Ground:
    """The ground of a situation.

    Raises:
        BspecError: an intent that the ledger refers to is missing, or the agent is retired there.
    """
    loaded, history, environment = given.loaded, given.history, given.environment
    require_not_retired(history, loaded.intent.metadata.id, environment.id)
    if given.adopting:
        require_no_line(history, environment.id)
    head, source, rollback = history.head(environment.id), given.source_head, given.rollback
    binding = _binding(given, source)
    old = given.read_intent(head.subject(INTENT_SUBJECT)) if head else None
    made = rollback.made_by(history) if rollback else _submits(history, head, loaded, binding)
    authors = tuple(authors_since(made))
    counted = {s.record.id for s in history.of_type("submit")}
    shown = (rollback.view(),) if rollback else ()
    place = Place(base=head.line if head else GENESIS, source=_source(given, source), rollback=shown)
    return Ground(
        head=head,
        source=source,
        binding=binding,
        old=old,
        change=_change(old, loaded, head, binding),
        submits=tuple(s for s in made if s.id in counted),
        authors=authors,
        runs=counted_runs(history),
        place=place,
        waivers=waivers_of(given, binding, place.base, [a.principal for a in authors]),
    )


def _change(old: LoadedIntent | None, new: LoadedIntent, head: Head | None, binding: Binding | None) -> Change:
    return change_of(
        old,
        new,
        old_binding=head.binding if head else None,
        new_binding=binding.to_json() if binding else None,
    )


def _submits(history: History, head: Head | None, loaded: LoadedIntent, binding: Binding | None) -> tuple[Record, ...]:
    """Everyone who submitted a part of this change counts as its author, whatever came of the submit (attack A80)."""
    of_head = cast("list[str]", head.record.predicate["submits"]) if head else []
    ordered = sorted((*history.former, *history.of_type("submit")), key=lambda s: (s.seq is None, s.seq or 0))
    records = [s.record for s in ordered]
    return submits_since(records, of_head, loaded.digest, binding.digest if binding else None)


def _binding(given: Given, source_head: Head | None) -> Binding | None:
    """Resolved for an environment without a source; otherwise carried from the source's line, never resolved.

    A rollback carries its target's.
    """
    if given.rollback:
        return binding_from_json(given.rollback.target.binding)
    if not given.environment.from_:
        return given.binding
    return binding_from_json(source_head.binding) if source_head else None


def _source(given: Given, source_head: Head | None) -> str:
    if given.rollback:
        return given.rollback.target.line
    if not given.environment.from_:
        return NO_SOURCE
    return source_head.line if source_head else MISSING_SOURCE
