"""The shape of ``trust.yaml``; ``author.py`` has an example and the meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import IDENTIFIER, PRINCIPAL, TEXT, TIME, array, enum, integer, obj, string
from bspec_opa.trust.adoption import ADOPTED_AGENTS, ADOPTERS
from bspec_opa.trust.currency.demand import LIFETIME, WHERE
from bspec_opa.trust.currency.demand import SKEW as HEAD_SKEW
from bspec_opa.trust.predicates import ASSURANCES, ORIGIN, REASON_TEXT
from bspec_opa.trust.publisher_rules import KEY_ID, TOKEN_SCOPE
from bspec_opa.trust.revocation import MEMBERS
from bspec_opa.trust.root_rules import SCOPE
from bspec_opa.trust.witnesses import MAX_AGE, MAX_WITNESSES, SKEW, THRESHOLD, WITNESS_NAME

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

TRUST_FILE_SCHEMA_ID = "bspec.trust/v1"

_KEY = string(minimum=1, maximum=4096)
_KEYS = array(_KEY, minimum=1, maximum=64)
_WHERE: dict[str, JsonObject] = {"agents": SCOPE, "environments": SCOPE}
_BUNDLES = array(obj({"shipped": string(minimum=1, maximum=200), "path": string(minimum=1, maximum=4096)}), minimum=1)
_PUBLISHERS = array(
    obj(
        {"key_id": KEY_ID, "scope": TOKEN_SCOPE, "minimum_sequence": integer(1), "max_age": string(maximum=20)},
        name=IDENTIFIER,
        key=_KEY,
    ),
    minimum=1,
    maximum=100,
)
_WITNESSES = obj(
    {"skew_s": SKEW},
    threshold=THRESHOLD,
    max_age_s=MAX_AGE,
    members=array(obj(name=WITNESS_NAME, key=_KEY), minimum=1, maximum=MAX_WITNESSES),
)
_HEAD = obj({"max_lifetime_s": LIFETIME, "skew_s": HEAD_SKEW, "environments": WHERE}, keys=_KEYS)

TRUST_FILE_SCHEMA: JsonObject = obj(
    {
        "witnesses": _WITNESSES,
        "head": _HEAD,
        "gates": array(obj({"group": PRINCIPAL, **_WHERE}, id=PRINCIPAL, keys=_KEYS), maximum=1000),
        "policies": array(
            obj(
                {
                    "environments": array(IDENTIFIER, minimum=1, maximum=100),
                    "bundles": _BUNDLES,
                    "publishers": _PUBLISHERS,
                }
            ),
            maximum=1000,
        ),
        "revoked": array(obj({"key": _KEY, "record": TEXT, **MEMBERS}, reason=REASON_TEXT), maximum=10_000),
    },
    schema=enum(TRUST_FILE_SCHEMA_ID),
    domain=IDENTIFIER,
    valid=string(maximum=20),
    root=obj(threshold=integer(1, 64), keys=_KEYS),
    ledger=obj(origin=ORIGIN, keys=_KEYS),
    principals=array(
        obj({"group": PRINCIPAL, "roles": array(obj(_WHERE, role=IDENTIFIER), maximum=1000)}, id=PRINCIPAL, keys=_KEYS),
        minimum=1,
        maximum=10_000,
    ),
    agents=array(obj(id=IDENTIFIER, owners=array(PRINCIPAL, minimum=1, maximum=100)), minimum=1, maximum=10_000),
    environments=array(
        obj(
            {
                "from": IDENTIFIER,
                "assurance": enum(*ASSURANCES),
                "mandatory_rules": array(IDENTIFIER, maximum=1000),
                "adoption": obj({"count": ADOPTERS, "agents": ADOPTED_AGENTS}, until=TIME, role=IDENTIFIER),
            },
            id=IDENTIFIER,
        ),
        minimum=1,
        maximum=100,
    ),
)


def members_beside(pointer: str) -> list[str]:
    """The member names that the schema knows where an unknown one stands, to suggest one of them."""
    schema: JsonValue = TRUST_FILE_SCHEMA
    for part in pointer.split("/")[1:-1]:
        assert isinstance(schema, dict)  # noqa: S101 - what the schema doesn't know is a last part
        inner = schema.get("properties")
        schema = inner[part] if isinstance(inner, dict) else schema["items"]
    assert isinstance(schema, dict)  # noqa: S101 - as above
    properties = schema["properties"]
    assert isinstance(properties, dict)  # noqa: S101 - only an object has unknown members
    return sorted(properties)
