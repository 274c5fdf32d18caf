"""What a trust root says about witnesses: who they are, how many must cosign a ledger's head, and how lately.

Roots from before there were witnesses have no such member and stay valid byte for byte; they demand none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import HEX64, array, integer, obj, string
from bspec_opa.trust.reasons import BAD_ROOT, BAD_THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Reason
    from bspec_opa.trust.keys import PublicKey

    Found = tuple[str, Reason, str]

MAX_WITNESSES = 15
"""A checkpoint has room for sixteen signatures, and one is the ledger's."""
DEFAULT_SKEW_S = 300
_MAX_AGE_S = 366 * 86_400
_MAX_SKEW_S = 86_400

WITNESS_NAME = string(pattern="^[a-z0-9][a-z0-9._/-]*$", maximum=200)
MAX_AGE, SKEW, THRESHOLD = integer(60, _MAX_AGE_S), integer(0, _MAX_SKEW_S), integer(1, MAX_WITNESSES)
WITNESSES: JsonObject = obj(
    threshold=THRESHOLD,
    max_age_s=MAX_AGE,
    skew_s=SKEW,
    members=array(obj(name=WITNESS_NAME, key=HEX64), minimum=1, maximum=MAX_WITNESSES),
)
"""The member ``witnesses`` of a trust root's payload."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who remembers the ledger's head and cosigns what goes on from it.

    Attributes:
        name: stands in the cosignature's line; a URL without its scheme by custom.
        key: Ed25519.
    """

    name: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is demanded of a ledger's head.

    Attributes:
        threshold: how many different witnesses must have cosigned it.
        max_age_s: how old a cosignature may be, in seconds.
        skew_s: how far ahead of this machine's clock its time may lie, in seconds.
        members: who may cosign.
    """

    threshold: int
    max_age_s: int
    skew_s: int
    members: tuple[Witness, ...]


def witness_keys(root: JsonObject) -> list[tuple[str, str, tuple[str, ...]]]:
    """Where a payload names witnesses' keys: pointer, key id, and the purpose that the key must have."""
    members = _members(root)
    return [(f"/witnesses/members/{n}/key", str(m["key"]), ("witness",)) for n, m in enumerate(members)]


def witness_faults(root: JsonObject) -> Iterator[Found]:
    """What is wrong with the witnesses of a payload that fits its schema: pointer, reason, message."""
    members = _members(root)
    if not members:
        return
    seen: set[str] = set()
    for n, member in enumerate(members):
        if member["name"] in seen:
            yield f"/witnesses/members/{n}/name", BAD_ROOT, f'"{member["name"]}" is there twice'
        seen.add(str(member["name"]))
    revoked = {str(r["id"]) for r in cast("list[JsonObject]", root["revoked"])}
    usable = len({str(m["key"]) for m in members} - revoked)
    threshold = cast("int", cast("JsonObject", root["witnesses"])["threshold"])
    if threshold > usable:
        message = f"threshold {threshold} is above the {usable} witnesses whose keys are not revoked"
        yield "/witnesses/threshold", BAD_THRESHOLD, message


def witnesses_of(root: JsonObject, keys: Mapping[str, PublicKey]) -> Witnesses | None:
    """The witnesses of a payload that was checked already; None if it demands none."""
    value = cast("JsonObject | None", root.get("witnesses"))
    if value is None:
        return None
    threshold, age, skew = (cast("int", value[m]) for m in ("threshold", "max_age_s", "skew_s"))
    return Witnesses(threshold, age, skew, tuple(Witness(str(m["name"]), keys[str(m["key"])]) for m in _members(root)))


def _members(root: JsonObject) -> list[JsonObject]:
    witnesses = cast("JsonObject", root.get("witnesses", {}))
    return cast("list[JsonObject]", witnesses.get("members", []))
