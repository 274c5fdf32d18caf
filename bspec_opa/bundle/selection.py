"""Which rules an organisation runs: selectors, and packs by risk tier; ``bspec/lib/select`` is the same in Rego.

A selector is ``*``, ``@collection``, ``framework:NAME`` or a rule's id. A pack adds or drops rules at one tier. The
tier is what the intent says or what the line before said, whichever is higher, so lowering the tier never drops a
rule at once. And where packs are in use, every rule of the collection ``tier_guard`` runs at every tier: it is what
denies a tier that is lower than it should be, so a pack that dropped it would decide by a tier that nobody checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import TIERS
from bspec_opa.bundle.contract.organisation import SELECT
from bspec_opa.bundle.reasons import SELECTION, TIER_GUARD
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.bundle.index import Index, RuleEntry
    from bspec_opa.foundation.canonical import JsonObject

GUARDS = "@tier_guard"
FLOOR = frozenset(
    f"promotion.all.{name}"
    for name in (
        "approvals",
        "declared",
        "evidence",
        "no_reject",
        "non_author_approval",
        "predecessor_identical",
        "requested",
        "resolved",
        "separation",
        "submitted",
    )
)
"""The rules that say what the floor says, and who may approve: no waiver lifts them, whoever's bundle they are in."""
FRAMEWORK = "framework:"
EVERYTHING = "*"


def selects(selector: str, rule: RuleEntry) -> bool:
    """Whether a selector names a rule."""
    return selector in selectors_for(rule)


def selectors_for(rule: RuleEntry) -> tuple[str, ...]:
    """Every selector that names a rule; the gate looks words up in it, since making them takes WebAssembly long."""
    collections, frameworks = (f"@{c}" for c in rule.collections), (FRAMEWORK + f for f in rule.frameworks)
    return (EVERYTHING, rule.id, *collections, *frameworks)


def known_selectors(rules: Iterable[RuleEntry]) -> set[str]:
    """Everything that a selector may be."""
    return {EVERYTHING, *(s for r in rules for s in selectors_for(r))}


def judged_tier(request: JsonObject) -> str:
    """The tier that a request is judged by: its own or that of the line it replaces, whichever is higher.

    Args:
        request: a complete input, ``bspec.input/v1``.
    """
    intent = cast("dict[str, dict[str, str]]", request["intent"])
    requirements = cast("dict[str, list[dict[str, str]]]", request["requirements"])
    return max((intent["risk"]["tier"], *(r["tier"] for r in requirements["previous_risk"])), key=TIERS.index)


def chosen_rules(index: Index, organisation: JsonObject, tier: str) -> list[RuleEntry]:
    """The rules that an organisation runs at a tier, sorted by id.

    Args:
        index: the bundle's rules.
        organisation: the bundle's ``data.bspec.org``.
        tier: as :func:`judged_tier` gives it.

    Raises:
        InvalidInputError: a selector names nothing, no rule is left (attack A41), or a pack drops what guards the
            tier. The gate leaves its decision undefined in the same cases.
    """
    select = _select(organisation)
    _require_known(index, select)
    packs = [p for p in cast("list[dict[str, list[str]]]", select["tiers"]) if str(p["tier"]) == tier]
    words = {
        key: [*cast("list[str]", select[key]), *(s for p in packs for s in p[key])] for key in ("include", "exclude")
    }
    chosen = [
        r
        for r in index.rules
        if any(selects(s, r) for s in words["include"]) and not any(selects(s, r) for s in words["exclude"])
    ]
    if not chosen:
        raise SELECTION.error(f"select leaves no rule at all at tier {tier}", hint='include "*"')
    if select["tiers"]:
        _require_guards(index, chosen, tier)
    return chosen


def selectors_of(select: JsonObject) -> list[str]:
    """Every selector that a ``select`` names, those of its packs included."""
    packs = cast("list[dict[str, list[str]]]", select["tiers"])
    own = cast("dict[str, list[str]]", select)
    return [*own["include"], *own["exclude"], *(s for p in packs for s in (*p["include"], *p["exclude"]))]


def _select(organisation: JsonObject) -> JsonObject:
    """``select``, in the form that the build demands; a bundle of somebody else's making may have another.

    A bundle from before there were packs has none, and its gate knows of none; what it decided can be replayed.
    """
    found = organisation.get("select")
    if isinstance(found, dict):
        found = {"tiers": [], **found}
    bad = violations(SELECT, found, limit=1)
    if bad:
        raise SELECTION.error(f"select{bad[0].pointer} {bad[0].message}")
    return cast("JsonObject", found)


def _require_known(index: Index, select: JsonObject) -> None:
    known = index.selectors()
    for selector in selectors_of(select):
        if selector not in known:
            raise SELECTION.error(f'the selector "{selector}" names no rule', hint=did_you_mean(selector, known))


def _require_guards(index: Index, chosen: list[RuleEntry], tier: str) -> None:
    guards = [r.id for r in index.rules if selects(GUARDS, r)]
    if not guards:
        message = "rules depend on the tier, and no rule of the collection tier_guard checks the tier"
        raise TIER_GUARD.error(message, hint="leave select.tiers empty")
    running = {r.id for r in chosen}
    for guard in guards:
        if guard not in running:
            message = f"{guard} checks the tier that select.tiers depends on, and doesn't run at tier {tier}"
            raise TIER_GUARD.error(message)
