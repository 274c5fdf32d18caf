"""The next version of a trust root by changes to the present one: keys, thresholds, revocations. Pure.

What can't be said in these few words is said by a whole ``trust.yaml`` (``author.py``).
"""

from __future__ import annotations

import base64
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.trust.quorum import SHOWN_DIGITS
from bspec_opa.trust.reasons import BAD_CHANGE
from bspec_opa.trust.revocation import write_revocation
from bspec_opa.trust.root_rules import root_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot

MIN_DIGITS = 8
_DIGITS = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},64}}\Z")
ROOT, LEDGER, GATE, PERSON = "root", "ledger", "gate", "record"


@dataclass(frozen=True, slots=True)
class Changes:
    """What the next version says that the present one doesn't.

    Attributes:
        add_root: further root keys.
        add_ledger: further ledger keys.
        add_keys: further keys of people and gates, each with the principal's id.
        replace: an old key's id and the key that stands wherever the old one stood.
        remove: ids of keys that stand nowhere any more.
        threshold: how many holders of root keys sign; None as before.
        revoke: what no longer counts.
    """

    add_root: tuple[PublicKey, ...] = ()
    add_ledger: tuple[PublicKey, ...] = ()
    add_keys: tuple[tuple[str, PublicKey], ...] = ()
    replace: tuple[tuple[str, PublicKey], ...] = ()
    remove: tuple[str, ...] = ()
    threshold: int | None = None
    revoke: tuple[Revocation, ...] = ()


def find_key(root: TrustRoot, digits: str) -> str | None:
    """The id of the root's or a publisher's key that begins with these digits; None if they are no digits.

    Raises:
        UsageError: no key begins so, or more than one.
    """
    if not _DIGITS.match(digits):
        return None
    known = {*root.keys, *(p.key.fingerprint for every in root.publishers.values() for p in every)}
    found = sorted(k for k in known if k.startswith(digits))
    if len(found) == 1 or len(digits) == 64:  # noqa: PLR2004 - a whole id needs not to be known: it may have been
        return found[0] if found else digits
    what = f"{len(found)} keys of the trust root begin" if found else "no key of the trust root begins"
    raise BAD_CHANGE.error(f"{what} with {digits}", hint="give more digits, or the public PEM file")


def change(payload: JsonObject, changes: Changes) -> JsonObject:
    """A payload with the changes made; version and times are the caller's.

    Raises:
        UsageError: a key or principal isn't there, or is there already, or the result is no trust root.
    """
    draft = _Draft(deepcopy(payload))
    for old, new in changes.replace:
        draft.replace(old, new)
    for keyid in changes.remove:
        draft.remove(keyid)
    for key in changes.add_root:
        draft.add(draft.part(ROOT), key, ROOT)
    for key in changes.add_ledger:
        draft.add(draft.part(LEDGER), key, LEDGER)
    for principal, key in changes.add_keys:
        draft.add_personal(principal, key)
    if changes.threshold is not None:
        draft.part(ROOT)["threshold"] = changes.threshold
    revoked = cast("list[JsonValue]", draft.payload["revoked"])
    revoked.extend(write_revocation(r) for r in changes.revoke)
    faults = root_faults(draft.payload)
    if faults:
        raise error_of(BAD_CHANGE.problem(f"{f.pointer.strip('/') or 'root'}: {f.message}") for f in faults)
    return draft.payload


@dataclass(slots=True)
class _Draft:
    """A payload that is being changed."""

    payload: JsonObject

    def part(self, name: str) -> JsonObject:
        return cast("JsonObject", self.payload[name])

    def _items(self, name: str) -> list[JsonObject]:
        return cast("list[JsonObject]", self.payload[name])

    def _entry(self, keyid: str) -> JsonObject | None:
        return next((k for k in self._items("keys") if k["id"] == keyid), None)

    def _holders(self) -> Iterator[JsonObject]:
        """Everything that lists keys."""
        yield from (self.part(ROOT), self.part(LEDGER), *self._items("principals"))
        if "head" in self.payload:
            yield self.part("head")

    def add(self, holder: JsonObject, key: PublicKey, purpose: str) -> None:
        """One more key in a list; a root key may also be listed with whoever holds it."""
        listed, known = _listed(holder), self._entry(key.keyid)
        if key.keyid in listed:
            raise BAD_CHANGE.error(f"key {_shown(key.keyid)} stands there already", hint="leave it out")
        if known is None:
            self._items("keys").append(_key_entry(key, purpose))
        elif known["purpose"] == PERSON and purpose == ROOT:
            known["purpose"] = ROOT
        elif known["purpose"] != purpose and (known["purpose"], purpose) != (ROOT, PERSON):
            message = f"key {_shown(key.keyid)} is a {known['purpose']} key; a key has one purpose"
            raise BAD_CHANGE.error(message, hint="make another key")
        listed.append(key.keyid)

    def add_personal(self, name: str, key: PublicKey) -> None:
        """One more key of a person or a gate; its purpose is that of the keys that are there."""
        principals = {str(p["id"]): p for p in self._items("principals")}
        if name not in principals:
            hint = did_you_mean(name, principals)
            raise BAD_CHANGE.error(f'there is no principal "{name[:80]}"', hint=f"{hint}; new ones come by --edit")
        entries = [self._entry(k) for k in _listed(principals[name])]
        gate = any(e is not None and e["purpose"] == GATE for e in entries)
        self.add(principals[name], key, GATE if gate else PERSON)

    def replace(self, old: str, new: PublicKey) -> None:
        """Another key wherever the old one stood."""
        entry = self._known(old)
        if self._entry(new.keyid) is not None:
            raise BAD_CHANGE.error(f"key {_shown(new.keyid)} is in the trust root already", hint="make another key")
        entry.update(_key_entry(new, str(entry["purpose"])))
        for holder in self._holders():
            listed = _listed(holder)
            listed[:] = [new.keyid if k == old else k for k in listed]

    def remove(self, keyid: str) -> None:
        """No list has the key any more."""
        self._items("keys").remove(self._known(keyid))
        for holder in [*self._holders()]:
            listed = _listed(holder)
            if keyid in listed and len(listed) == 1 and not self._drop(holder):
                message = f"{holder.get('id', 'the list')} would have no key left without {_shown(keyid)}"
                raise BAD_CHANGE.error(message, hint="replace it, or take roles and agents away first, with --edit")
            listed[:] = [k for k in listed if k != keyid]

    def _drop(self, holder: JsonObject) -> bool:
        """Take out somebody who only held that key: no role, no agent."""
        name = holder.get("id")
        owners = {o for a in self._items("agents") for o in cast("list[str]", a["owners"])}
        busy = name in owners or any(g["principal"] == name for g in self._items("grants"))
        if name is None or busy:
            return False
        self.payload["principals"] = [p for p in self._items("principals") if p is not holder]
        return True

    def _known(self, keyid: str) -> JsonObject:
        entry = self._entry(keyid)
        if entry is None:
            hint = "trust sign or verify show the first digits of all"
            raise BAD_CHANGE.error(f"key {_shown(keyid)} is not in the trust root", hint=hint)
        return entry


def _listed(holder: JsonObject) -> list[str]:
    return cast("list[str]", holder["keys"])


def _shown(keyid: str) -> str:
    return keyid[:SHOWN_DIGITS]


def _key_entry(key: PublicKey, purpose: str) -> JsonObject:
    encoded = base64.b64encode(key.spki).decode("ascii")
    return {"id": key.keyid, "alg": key.algorithm, "public": encoded, "purpose": purpose}
