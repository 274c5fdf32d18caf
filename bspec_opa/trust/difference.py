"""What changes from one version of the trust root to the next, item by item, for those who are asked to sign. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.quorum import SHOWN_DIGITS, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import Environment, TrustRoot

_ALWAYS_OTHER = frozenset(("version", "previous_digest", "issued"))
_IN_WORDS = _ALWAYS_OTHER | {
    *("schema", "domain", "expires", "root", "keys", "principals", "grants", "agents", "environments", "policies"),
    *("publishers", "ledger", "revoked"),
}
ADDED, REMOVED, CHANGED = CHANGES = ("added", "removed", "changed")


_LONG = re.compile(rf"([0-9a-f]{{{SHOWN_DIGITS}}})[0-9a-f]{{{64 - SHOWN_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is other than before.

    Attributes:
        change: ``added``, ``removed`` or ``changed``.
        what: the thing, with whole digests: two things that only look alike are two.
    """

    change: str
    what: str

    @property
    def shown(self) -> str:
        """The thing with digests cut short, such as ``root key 0123456789ab of carol``."""
        return _LONG.sub(r"\1", self.what)


def differences(before: TrustRoot | None, after: TrustRoot) -> tuple[Difference, ...]:
    """Everything that differs; without a version before, everything that there is.

    The payloads are compared, too, so that nothing changes unseen: what has no words here is shown as it stands there.
    """
    found = list(_scalars(before, after))
    for name, items in _sets(after).items():
        earlier = _sets(before)[name] if before else {}
        found += [Difference(REMOVED, f"{name} {w}{_more(d)}") for w, d in earlier.items() if w not in items]
        for what, detail in items.items():
            if what not in earlier:
                found.append(Difference(ADDED, f"{name} {what}{_more(detail)}"))
            elif earlier[what] != detail:
                found.append(Difference(CHANGED, f"{name} {what}:{_more(earlier[what])} →{_more(detail)}"))
    return tuple(found) if before is None else (*found, *_rest(before, after, told=bool(found)))


def _rest(before: TrustRoot, after: TrustRoot, *, told: bool) -> Iterator[Difference]:
    """Members that have no words here; and, where nothing else was told, those in which only the order differs."""
    then, now = (cast("JsonObject", parse_json(r.payload, "trust root", text=False)) for r in (before, after))
    usual = _IN_WORDS if told else _ALWAYS_OTHER
    for member in sorted({*then, *now} - usual):
        old, new = (canonical_bytes(p.get(member)).decode() for p in (then, now))
        if old != new:
            yield Difference(CHANGED, member if member in _IN_WORDS else f"{member} {old} → {new}")


def _more(detail: str) -> str:
    return f" {detail}" if detail else ""


def _scalars(before: TrustRoot | None, after: TrustRoot) -> Iterator[Difference]:
    now = _single(after)
    then = _single(before) if before else {}
    for name, value in now.items():
        if name not in then:
            yield Difference(ADDED, f"{name} {value}")
        elif then[name] != value:
            yield Difference(CHANGED, f"{name} {then[name]} → {value}")


def _single(root: TrustRoot) -> dict[str, str]:
    return {
        "domain": root.domain,
        "expires": format_time(root.expires_unix),
        "threshold": str(root.root_threshold),
        "ledger": root.ledger.origin,
    }


def _sets(root: TrustRoot) -> dict[str, dict[str, str]]:
    """Every list of a root: the name of an item, and what more it says."""
    return {
        "root key": dict(_root_keys(root)),
        "ledger key": dict.fromkeys(root.ledger.keys, ""),
        "principal": {p.id: f"of {p.group}" for p in root.principals},
        "key": {f"{k} of {p.id}": _purpose(root, k) for p in root.principals for k in p.keys},
        "role": {f"{g.role} of {g.principal}{_where(g.agents, g.environments)}": "" for g in root.grants},
        "agent": {a.id: f"owned by {', '.join(a.owners)}" for a in root.agents},
        "environment": {e.id: _environment(e) for e in root.environments},
        "bundle": {
            f"{b.name} {b.digest} into {environment}": f"revision {b.revision}"
            for environment, bundles in root.policies.items()
            for b in bundles
        },
        "publisher": dict(_publishers(root)),
        "revocation": {_revoked(r): f"({r.since}): {r.reason}" for r in root.revoked},
    }


def _root_keys(root: TrustRoot) -> Iterable[tuple[str, str]]:
    """By key, so that a key that changes hands is seen."""
    for keyid in root.root_keys:
        owner = owner_of(root, keyid)
        yield keyid, "" if owner.startswith("key ") else f"of {owner}"


def _purpose(root: TrustRoot, keyid: str) -> str:
    purpose = root.keys[keyid].purpose
    return "" if purpose == "record" else f"({purpose})"


def _where(agents: tuple[str, ...], environments: tuple[str, ...]) -> str:
    parts = [(agents, "for"), (environments, "in")]
    return "".join(f" {word} {', '.join(names)}" for names, word in parts if names != ("*",))


def _environment(environment: Environment) -> str:
    parts = [f"from {environment.from_}"] if environment.from_ else []
    rules = environment.mandatory_rules
    parts += [environment.assurance, *(["with " + ", ".join(rules)] if rules else [])]
    parts += [environment.adoption.said] if environment.adoption else []
    return ", ".join(parts)


def _publishers(root: TrustRoot) -> Iterable[tuple[str, str]]:
    for environment, publishers in root.publishers.items():
        for p in publishers:
            key = f"{p.name} {p.key.fingerprint} into {environment}"
            yield (
                key,
                f"called {p.key.id}, scope {p.scope or 'none'}, sequence {p.minimum_sequence}, age {p.max_age_s} s",
            )


def _revoked(revocation: Revocation) -> str:
    return f"of {revocation.kind} {revocation.id}"
