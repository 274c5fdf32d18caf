"""What a trust root may say about the bundles of an environment: listed ones, and publishers whose key signs others."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, array, enum, integer, obj, string
from bspec_opa.foundation.errors import BspecError
from bspec_opa.trust.predicates import NAME, REVISION
from bspec_opa.trust.publisher import PUBLISHER_ALGORITHMS, Publisher, PublisherKey, publisher_key_from_spki
from bspec_opa.trust.reasons import BAD_KEY, BAD_ROOT, DUPLICATE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Reason
    from bspec_opa.trust.publisher import PublisherAlgorithm

    Found = tuple[str, Reason, str]

KEY_ID = NAME
TOKEN_SCOPE = string(pattern="^(?:[A-Za-z0-9][A-Za-z0-9._:+/@-]*)?$", maximum=200)
_PUBLISHER = obj(
    name=IDENTIFIER,
    key=obj(id=KEY_ID, alg=enum(*PUBLISHER_ALGORITHMS), public=string(maximum=2000)),
    scope=TOKEN_SCOPE,
    minimum_sequence=integer(1),
    max_age_s=integer(0),
)
POLICY = obj(
    {"publishers": array(_PUBLISHER, minimum=1, maximum=100)},
    environment=IDENTIFIER,
    bundles=array(obj(name=NAME, revision=REVISION, digest=DIGEST), maximum=100),
)
"""An item of ``policies``; roots from before there were publishers have none."""


def publisher_faults(root: JsonObject) -> Iterator[Found]:
    """What is wrong with the publishers of a payload that fits its schema: pointer, reason, message."""
    others = {str(k["id"]) for k in cast("list[JsonObject]", root["keys"])}
    for n, policy in enumerate(cast("list[JsonObject]", root["policies"])):
        items = cast("list[JsonObject]", policy.get("publishers", []))
        if not items and not policy["bundles"]:
            yield f"/policies/{n}", BAD_ROOT, "names neither bundles nor publishers"
        yield from _keys(items, f"/policies/{n}/publishers", others)


def _keys(items: list[JsonObject], pointer: str, others: set[str]) -> Iterator[Found]:
    """Every key is usable, stands there once, and has no other purpose."""
    ids: set[str] = set()
    seen: set[str] = set()
    for n, item in enumerate(items):
        at = f"{pointer}/{n}/key"
        try:
            key = decode_publisher(item).key
        except BspecError as e:
            yield f"{at}/public", BAD_KEY, e.problems[0].message
            continue
        if key.id in ids:
            yield f"{at}/id", DUPLICATE_KEY, f'"{key.id}" names two keys'
        if key.fingerprint in seen:
            yield at, DUPLICATE_KEY, "this key is there twice"
        if key.fingerprint in others:
            yield at, DUPLICATE_KEY, "this key has another purpose already; a key has one purpose"
        ids.add(key.id)
        seen.add(key.fingerprint)


def decode_publisher(item: JsonObject) -> Publisher:
    """A publisher of a payload that fits its schema.

    Raises:
        TrustError: its key's base64, encoding or algorithm is wrong.
    """
    key = cast("dict[str, str]", item["key"])
    try:
        der = base64.b64decode(key["public"], validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if base64.b64encode(der).decode("ascii") != key["public"]:
        raise BAD_KEY.error("is not padded standard base64", hint="take the key from trust init")
    return _publisher(item, publisher_key_from_spki(key["alg"], der, key["id"]))


def checked_publisher(item: JsonObject) -> Publisher:
    """A publisher of a payload that was checked already; parses no key."""
    key = cast("dict[str, str]", item["key"])
    algorithm = cast("PublisherAlgorithm", key["alg"])
    return _publisher(item, PublisherKey(key["id"], algorithm, base64.b64decode(key["public"])))


def _publisher(item: JsonObject, key: PublisherKey) -> Publisher:
    minimum, age = cast("int", item["minimum_sequence"]), cast("int", item["max_age_s"])
    return Publisher(str(item["name"]), key, str(item["scope"]), minimum, age)
