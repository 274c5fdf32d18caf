"""What a situation is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.workflow.facts.waivers import no_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bspec_opa.approval.waivers import Terms
    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.rolling import Rollback


def _nothing_withdrawn(_: Binding | None) -> Sequence[JsonObject]:
    return ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a situation is made of.

    Attributes:
        loaded: the intent that would be promoted.
        environment: where to, as the trust root declares it.
        binding: what ``resolve`` made; ignored where the environment has a source, whose binding is carried.
        history: the ledger's verified records, with the inbox's where that is wanted.
        now: Unix seconds.
        read_intent: gives back an intent that the ledger refers to, by its digest.
        delegates: agents that this one may delegate to and that have a current line here.
        withdrawn: what the catalogs have withdrawn of a binding.
        rejected: records that were there and do not count.
        rollback: the line to go back to, if this is no promotion: then its intent is ``loaded``.
        terms: what bounds waivers; asked for only where there are any.
        adopting: whether an agent is adopted that runs already; then the environment has no source.
    """

    loaded: LoadedIntent
    environment: Environment
    binding: Binding | None
    history: History
    now: int
    read_intent: Callable[[Digest], LoadedIntent]
    delegates: frozenset[str] = frozenset()
    withdrawn: Callable[[Binding | None], Sequence[JsonObject]] = _nothing_withdrawn
    rejected: Sequence[JsonObject] = ()
    rollback: Rollback | None = None

    @property
    def carried_from(self) -> str:
        """The source environment that a promotion is carried from; empty for none, as of a rollback."""
        return self.environment.from_ if self.rollback is None else ""

    @property
    def source_head(self) -> Head | None:
        """The source environment's current line, from which a promotion is carried; a rollback is carried from none."""
        return self.history.standing(self.carried_from) if self.carried_from else None

    @property
    def followed(self) -> tuple[str, ...]:
        """The environments whose current lines are followed: this one and, of a promotion, its source.

        An emergency in either is reviewed before; a rollback carries nothing from the source.
        """
        return (self.environment.id, self.carried_from) if self.carried_from else (self.environment.id,)

    terms: Callable[[], Terms] = no_terms
    adopting: bool = False
