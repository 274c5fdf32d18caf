"""The change between two intents and their bindings: verdict, version step and every difference. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.digest import Digest, digest_json
from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.governance import weakened
from bspec_opa.intent.items import Step, in_order
from bspec_opa.intent.order import compare
from bspec_opa.intent.semver import SemVer, parse_semver, version_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.items import ChangeItem, Tokens
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.intent.model import Intent

# Bindings were checked against their closed schema before they get here.
Facts = dict[str, Any]
FIXED = "content"
"""The immutability of a model that a digest fixes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a promotion changes.

    Attributes:
        verdict: ``initial`` if there was nothing before, or that of the gravest item.
        version_step: how far ``metadata.version`` went.
        items: every difference, the gravest first.
        digest: of the items' RFC 8785 form; an approval binds it.
    """

    verdict: v.Verdict
    version_step: v.VersionStep
    items: tuple[ChangeItem, ...]
    digest: Digest

    def to_json(self) -> JsonObject:
        """The change as the view and the lock have it."""
        return {
            "verdict": self.verdict,
            "version_step": self.version_step,
            "digest": self.digest,
            "items": _plain(self.items),
        }


def change_of(
    old: LoadedIntent | None,
    new: LoadedIntent,
    *,
    old_binding: JsonObject | None = None,
    new_binding: JsonObject | None = None,
) -> Change:
    """The change from one intent and its binding to another.

    Args:
        old: what is current in the environment; None if nothing is, which lists every capability.
        new: what is to be promoted.
        old_binding: the binding of ``old``.
        new_binding: the binding of ``new``; bindings are compared if both are there.
    """
    if old is None:
        items = compare(None, new.surface, authored=new.authored)
        return Change("initial", "initial", items, digest_json(_plain(items)))
    found = [
        *compare(old.surface, new.surface, authored=new.authored),
        *weakened(old.intent, new.intent, new.authored),
    ]
    if old_binding is not None and new_binding is not None:
        common = _common(old.intent, new.intent)
        found += [step.at(new.authored) for step in _bindings(old_binding, new_binding, common)]
    if old.intent.metadata.labels != new.intent.metadata.labels:
        found.append(Step("cosmetic", ("metadata", "labels"), "labels changed").at(new.authored))
    items = in_order(found)
    verdict = items[0].verdict if items else "cosmetic"
    return Change(verdict, _version_step(old.intent, new.intent), items, digest_json(_plain(items)))


def _plain(items: tuple[ChangeItem, ...]) -> list[JsonValue]:
    return [item.to_json() for item in items]


def _version_step(old: Intent, new: Intent) -> v.VersionStep:
    return version_step(_version(old), _version(new))


def _version(intent: Intent) -> SemVer:
    parsed = parse_semver(intent.metadata.version)
    assert parsed is not None  # noqa: S101 - the model has the same pattern
    return parsed


def _common(old: Intent, new: Intent) -> frozenset[tuple[str, str]]:
    """What both intents declare; the rest has its item from the surfaces already."""
    return _declared(old) & _declared(new)


def _declared(intent: Intent) -> frozenset[tuple[str, str]]:
    return frozenset(
        [
            *(("tool", tool.id) for tool in intent.tools),
            *(("component", component.id) for component in intent.components),
            *(("class", entry.id) for entry in intent.models.classes),
        ]
    )


def _bindings(old: Facts, new: Facts, common: frozenset[tuple[str, str]]) -> Iterator[Step]:
    for name in sorted(name for kind, name in common if kind == "tool"):
        yield from _tool(name, _entry(old["tools"], name), _entry(new["tools"], name))
    for name in sorted(name for kind, name in common if kind == "component"):
        before, after = _entry(old["components"], name), _entry(new["components"], name)
        if before.get("digest") != after.get("digest"):
            yield Step("expansion", ("components", name), f"the content of component {name} changed")
    for name in sorted(name for kind, name in common if kind == "class"):
        yield from _model(name, _bound_models(old, name), _bound_models(new, name))


def _entry(entries: list[Facts], name: str) -> Facts:
    return next((entry for entry in entries if entry["id"] == name), {})


def _tool(name: str, old: Facts, new: Facts) -> Iterator[Step]:
    """A release may follow the range; a contract or publisher that isn't the same can't be compared."""
    at = ("tools", name)
    if old.get("contract", {}).get("digest") != new.get("contract", {}).get("digest"):
        yield Step("expansion", at, f"the contract of tool {name} changed")
    if old.get("publisher") != new.get("publisher"):
        yield Step("expansion", at, f"the publisher of tool {name} changed")
    if old and new:
        yield from _reviewed(at, name, old, new)
    releases = [str(entry.get("release", "none")) for entry in (old, new)]
    if releases[0] != releases[1]:
        yield Step("cosmetic", at, f'tool {name}: release "{releases[0]}" becomes "{releases[1]}"')
    elif old.get("artifact") != new.get("artifact"):
        yield Step("expansion", at, f"the artifact of tool {name} changed, though its release has the same name")


def _reviewed(at: Tokens, name: str, old: Facts, new: Facts) -> Iterator[Step]:
    """What the curators of the catalog say of a tool: it decides what the policies believe and allow."""
    if old["trusted"] != new["trusted"]:
        now = "trusted" if new["trusted"] else "no longer trusted"
        yield Step("expansion" if new["trusted"] else "reduction", at, f"the publisher of tool {name} is {now}")
    floors = {o["name"]: o["privilege_floor"] for o in old["operations"]}
    for operation in new["operations"]:
        before, after = floors.get(operation["name"]), operation["privilege_floor"]
        if before is not None and before != after:
            lowered = v.PRIVILEGES.index(after) < v.PRIVILEGES.index(before)
            words = f"tool {name}: privilege floor of {operation['name']} {'lowered' if lowered else 'raised'}"
            yield Step("expansion" if lowered else "reduction", at, f"{words} from {before} to {after}")


def _bound_models(binding: Facts, name: str) -> list[Facts]:
    """What serves a model class."""
    return [m for m in binding["models"] if m["class"] == name]


def _identities(models: list[Facts]) -> str:
    """Provider, identity and, where there is one, the digest of each."""
    return ", ".join(sorted(" ".join([m["provider"], m["identity"], *m["digest"]]) for m in models)) or "none"


def _model(name: str, old: list[Facts], new: list[Facts]) -> Iterator[Step]:
    """Another identity of the same class: the same intent, to be evaluated again (the binding is another one)."""
    at, label = ("models", "classes", name), f"model class {name}"
    names = _identities(old), _identities(new)
    if names[0] != names[1]:
        yield Step("cosmetic", at, f'{label}: identity "{names[0]}" becomes "{names[1]}"')
    for before, after in zip(old, new, strict=False):  # a binding has one model for each class
        yield from _model_facts(at, label, before, after)


def _model_facts(at: Tokens, label: str, old: Facts, new: Facts) -> Iterator[Step]:
    """Where it runs and how far it can change by itself, whatever its identity is called."""
    if old["region"] != new["region"]:
        regions = [", ".join(m["region"]) or "unknown" for m in (old, new)]
        yield Step("expansion", at, f"{label}: region {regions[0]} becomes {regions[1]}")
    if old["preview"] != new["preview"]:
        now = "is a preview" if new["preview"] else "is no preview any more"
        yield Step("expansion" if new["preview"] else "reduction", at, f"{label} {now}")
    if old["immutability"] != new["immutability"]:
        words = f"{label}: immutability {old['immutability']} becomes {new['immutability']}"
        yield Step("reduction" if new["immutability"] == FIXED else "expansion", at, words)
