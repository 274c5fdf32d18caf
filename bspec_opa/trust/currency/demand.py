"""What a trust root says about head statements: whose count, how long one may hold, and where one is demanded.

A head statement (:mod:`bspec_opa.trust.currency.statement`) says what the ledger's head is now. Its key is no ledger
key: it is used every few minutes by a machine that is online, and can neither append nor change anything.

Roots from before there were head statements have no such member and stay valid byte for byte; they demand none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import HEX64, array, integer, obj, string
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.trust.reasons import BAD_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Reason
    from bspec_opa.trust.keys import PublicKey

    Found = tuple[str, Reason, str]

HEAD_PURPOSE = "head"
EVERYWHERE = "*"
DEFAULT_LIFETIME_S = 3_600
DEFAULT_SKEW_S = 300
_MAX_LIFETIME_S = 31 * 86_400
_MAX_SKEW_S = 86_400

LIFETIME, SKEW = integer(60, _MAX_LIFETIME_S), integer(0, _MAX_SKEW_S)
WHERE = array(string(pattern=r"^(?:[*]|[a-z0-9][a-z0-9._-]*)$", maximum=200), minimum=1, maximum=100)
HEAD: JsonObject = obj(
    keys=array(HEX64, minimum=1, maximum=16), max_lifetime_s=LIFETIME, skew_s=SKEW, environments=WHERE
)
"""The member ``head`` of a trust root's payload."""


@dataclass(frozen=True, slots=True)
class Currency:
    """What is demanded of whoever relies on the ledger.

    Attributes:
        keys: who may sign head statements; those that are revoked, too.
        max_lifetime_s: how long a statement may hold at most, in seconds.
        skew_s: how far ahead of this machine's clock a statement may be issued, in seconds.
        environments: where one is demanded; ``("*",)`` means everywhere.
    """

    keys: tuple[PublicKey, ...]
    max_lifetime_s: int
    skew_s: int
    environments: tuple[str, ...]

    def demands(self, environments: Iterable[str]) -> bool:
        """Whether a statement is demanded in one of these environments."""
        return self.environments == (EVERYWHERE,) or bool({*environments} & {*self.environments})


def head_keys(root: JsonObject) -> list[tuple[str, str, tuple[str, ...]]]:
    """Where a payload names head keys: pointer, key id, and the purpose that the key must have."""
    return [(f"/head/keys/{n}", key, (HEAD_PURPOSE,)) for n, key in enumerate(_strings(root, "keys"))]


def head_faults(root: JsonObject) -> Iterator[Found]:
    """What is wrong with the member of a payload that fits its schema: pointer, reason, message."""
    if "head" not in root:
        return
    revoked = {str(r["id"]) for r in cast("list[JsonObject]", root["revoked"])}
    if not {*_strings(root, "keys")} - revoked:
        yield "/head/keys", BAD_ROOT, "every head key is revoked, and a head statement is demanded"
    names = _strings(root, "environments")
    known = {str(e["id"]) for e in cast("list[JsonObject]", root["environments"])}
    if EVERYWHERE in names:
        if len(names) > 1:
            yield "/head/environments", BAD_ROOT, '"*" means all and stands alone'
        return
    for n, name in enumerate(names):
        if name not in known:
            hint = did_you_mean(name, known)
            message = f'unknown environment "{name}"' + (f"; {hint}" if hint else "")
            yield f"/head/environments/{n}", BAD_ROOT, message


def currency_of(root: JsonObject, keys: Mapping[str, PublicKey]) -> Currency | None:
    """The member of a payload that was checked already; None if nothing is demanded."""
    value = cast("JsonObject | None", root.get("head"))
    if value is None:
        return None
    lifetime, skew = (cast("int", value[m]) for m in ("max_lifetime_s", "skew_s"))
    found = tuple(keys[k] for k in _strings(root, "keys"))
    return Currency(found, lifetime, skew, tuple(_strings(root, "environments")))


def _strings(root: JsonObject, member: str) -> list[str]:
    head = cast("dict[str, list[str]]", root.get("head", {}))
    return head.get(member, [])
