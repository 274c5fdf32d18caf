"""The view of a promotion, rebuilt from the evidence that an approval lists. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.view import build_view, extensions_of, view_digest
from bspec_opa.foundation.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.binding.model import Binding
    from bspec_opa.evidence.facts import EvidenceRun
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.intent.change import Change
    from bspec_opa.workflow.facts.given import Given
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.waivers import Seen


@dataclass(frozen=True, slots=True)
class Place:
    """What approvals and requests bind besides their subjects.

    Attributes:
        base: the current line here.
        source: the current line in the source environment, or the line that a rollback goes back to.
        rollback: what is shown of the rollback, if it is one.
    """

    base: str
    source: str
    rollback: tuple[JsonObject, ...] = ()


class ViewMaker:
    """Makes the view that an approver of this promotion sees, for the evidence that the approval lists."""

    def __init__(
        self,
        given: Given,
        *,
        binding: Binding | None,
        head: Head | None,
        change: Change,
        place: Place,
        runs: Sequence[EvidenceRun],
        seen: Seen,
    ) -> None:
        self._seen, loaded, environment = seen, given.loaded, given.environment
        self._runs = {r.id: r.predicate for r in runs}
        self._make = partial(
            build_view,
            agent=loaded.intent.metadata.id,
            version=loaded.intent.metadata.version,
            environment=environment.id,
            base=place.base,
            source=place.source,
            rollback=place.rollback,
            intent_digest=loaded.digest,
            surface_digest=loaded.surface_digest,
            change=change.to_json(),
            binding=binding.to_json() if binding else None,
            old_binding=head.binding if head else None,
            extensions=extensions_of(loaded.authored),
        )

    def of(self, evidence: Iterable[str], waivers: Iterable[str]) -> JsonObject:
        """The view with these runs and waivers; all of them hold for this surface or intent and binding."""
        return self._make(evidence=[(Digest(i), self._runs[i]) for i in evidence], waivers=self._seen.shown(waivers))

    def digest_for(self, predicate: JsonObject) -> Digest | None:
        """The digest of what an approval with this predicate must have shown.

        ``None`` if it lists other evidence or waivers than there are, or not every waiver that is in force: an approval
        that was signed before a waiver does not cover a decision that may rest on it.
        """
        listed, waivers = cast("list[str]", predicate["evidence"]), cast("list[str]", predicate["waivers"])
        if not self._runs.keys() >= set(listed) or not self._seen.suffices(waivers):
            return None
        return view_digest(self.of(listed, waivers))
