"""Rules that an organisation's selectors leave out at every tier: they are built and tested, and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.definitions import TIERS
from bspec_opa.bundle.selection import chosen_rules

if TYPE_CHECKING:
    from bspec_opa.bundle.index import Index
    from bspec_opa.foundation.canonical import JsonObject

_NAMED = 5


def idle_rules(index: Index, organisation: JsonObject) -> list[str]:
    """The ids of the rules that run at no tier, in the order of the index.

    Raises:
        InvalidInputError: the selectors are refused, see :func:`~bspec_opa.bundle.selection.chosen_rules`.
    """
    running = {r.id for tier in TIERS for r in chosen_rules(index, organisation, tier)}
    return [r.id for r in index.rules if r.id not in running]


def idle_note(index: Index, organisation: JsonObject) -> list[str]:
    """One sentence about them for people; nothing where every rule runs."""
    found = idle_rules(index, organisation)
    if not found:
        return []
    names = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    head = (
        "1 rule never runs: select leaves it"
        if len(found) == 1
        else f"{len(found)} rules never run: select leaves them"
    )
    return [f"{head} out at every tier: {names}"]
