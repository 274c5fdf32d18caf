"""The member ``head`` of a trust root: written from ``trust.yaml``, rotated, and refused with the line that is wrong."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from world import World, digest, key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import BspecError
from bspec_opa.trust import author
from bspec_opa.trust.author import build_root, sign_root
from bspec_opa.trust.currency.demand import Currency
from bspec_opa.trust.difference import differences
from bspec_opa.trust.root import AcceptedBundle
from bspec_opa.trust.rotation import Changes, change
from bspec_opa.trust.walk import walk

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.root import TrustRoot

DOC = str(author.__doc__)
EXAMPLE = textwrap.dedent(DOC.partition("::\n\n")[2].partition("\n\nWhat a key")[0]) + "\n"
FILE = EXAMPLE + textwrap.dedent(DOC.partition("(docs/currency.md)::\n\n")[2].partition("\n\nWitnesses")[0]) + "\n"
HEAD = key_of("head").public


def build(text: str) -> JsonObject:
    bundle, other = AcceptedBundle("default", "r1", digest("default")), AcceptedBundle("acme", "r7", digest("acme"))
    return build_root(
        load_yaml(text.encode(), "trust.yaml"),
        read_public_key=lambda path: key_of(path.removeprefix("keys/").removesuffix(".pub")).public.pem,
        resolve_bundle=lambda reference: bundle if reference.kind == "shipped" else other,
        issued=World.ISSUED,
    )


def walked(payload: JsonObject) -> TrustRoot:
    signers = [key_of("root-1"), key_of("root-2")]
    return walk(digest_json(payload), [sign_root(payload, signers).to_bytes()])[-1]


def test_the_example_demands_a_statement_for_production() -> None:
    payload: Any = build(FILE)
    root = walked(payload)
    assert root.currency == Currency((HEAD,), 3600, 300, ("production",))
    assert root.head_keys() == (HEAD,)
    assert [k["purpose"] for k in payload["keys"]].count("head") == 1
    demands = [root.currency.demands(e) for e in ((), ("staging",), ("staging", "production"))]
    assert demands == [False, False, True]
    everywhere = walked(build(FILE.partition("  environments: [production]")[0])).currency
    assert everywhere is not None
    assert (everywhere.environments, everywhere.demands(())) == (("*",), True)


def test_a_root_without_a_demand_is_the_same_as_before_there_was_any() -> None:
    payload = build(EXAMPLE)
    assert "head" not in payload
    root = walked(payload)
    assert (root.currency, root.head_keys(), root.payload) == (None, (), canonical_bytes(payload))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[keys/head.pub]", "[]", "head.keys"),
        ("[keys/head.pub]", "[keys/ledger.pub]", "this key is a ledger key already"),
        ("[keys/head.pub]", "[keys/alice.pub]", "this key is a record key already"),
        ("[production]", "[productoin]", 'unknown environment "productoin"; did you mean "production"?'),
        ("[production]", '["*", production]', "stands alone"),
        ("  keys: [keys/head.pub]\n", "  keys: [keys/head.pub]\n  max_lifetime_s: 2678401\n", "must be 60 to 2678400"),
        (
            "  keys: [keys/head.pub]\n",
            "  keys: [keys/head.pub]\n  max_lifetime: 60\n",
            'did you mean "max_lifetime_s"?',
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, expected: str) -> None:
    start = len(EXAMPLE)
    text = EXAMPLE + FILE[start:].replace(old, new)
    assert text != FILE
    with pytest.raises(BspecError) as raised:
        build(text)
    assert any(expected in f"{p.message} {p.hint}" for p in raised.value.problems), str(raised.value)
    lines = [p.location.line for p in raised.value.problems if p.location is not None]
    assert [n is not None and n > len(EXAMPLE.splitlines()) for n in lines] == [True] * len(lines)


def test_a_head_key_is_replaced_and_told_to_those_who_sign() -> None:
    before = walked(build(FILE))
    new = key_of("head-2").public
    payload = change(build(FILE), Changes(replace=((HEAD.keyid, new),)))
    after = walked(payload)
    assert after.head_keys() == (new,)
    told = [d.what for d in differences(before, after) if d.what.startswith("head ")]
    assert len(told) == 1
    assert HEAD.keyid in told[0]
    assert new.keyid in told[0]
    with pytest.raises(BspecError, match="would have no key left"):
        change(build(FILE), Changes(remove=(HEAD.keyid,)))
