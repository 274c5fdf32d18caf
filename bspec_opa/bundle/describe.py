"""What a bundle is, for ``bundle inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import TIERS, WRITING_ACTIONS
from bspec_opa.bundle.index import environment_ids, expected_rules
from bspec_opa.foundation.digest import digest_of

if TYPE_CHECKING:
    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject, JsonValue


def describe(bundle: Bundle) -> JsonObject:
    """Identity, contents and rules of a bundle, with the environments in which each rule runs."""
    organisation = bundle.organisation
    runs = {(e, t): _running(bundle, e, t) for e in environment_ids(organisation) for t in TIERS}
    rules: list[JsonValue] = [_rule(r, [k for k, ids in runs.items() if r.id in ids]) for r in bundle.index.rules]
    files: list[JsonValue] = [{"name": n, "bytes": len(d), "digest": digest_of(d)} for n, d in bundle.files.items()]
    return {
        "name": bundle.name,
        "digest": bundle.digest,
        "revision": bundle.revision,
        "rules_digest": bundle.rules_digest,
        "data_digest": bundle.data_digest,
        "opa_version": bundle.opa_version,
        "base": [b.to_json() for b in bundle.base],
        "organisation": organisation["name"],
        "environments": cast("list[JsonValue]", environment_ids(organisation)),
        "own_rules": cast("list[JsonValue]", list(bundle.index.environments)),
        "rules": rules,
        "files": files,
    }


def _running(bundle: Bundle, environment: str, tier: str) -> frozenset[str]:
    """The rules that run for something that ends in a line, such as a promotion."""
    found = (expected_rules(bundle.index, bundle.organisation, environment, a, tier) for a in WRITING_ACTIONS)
    return frozenset(i for ids in found for part in ids for i in part)


def _rule(rule: RuleEntry, runs: list[tuple[str, str]]) -> JsonObject:
    """A rule, the environments it runs in at any tier, and the tiers it runs at in any environment."""
    environments, tiers = dict.fromkeys(e for e, _ in runs), {t for _, t in runs}
    return {**rule.to_json(), "environments": [*environments], "tiers": [t for t in TIERS if t in tiers]}
