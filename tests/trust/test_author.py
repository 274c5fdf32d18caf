from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from world import DAY, World, digest, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import ZERO_DIGEST, digest_json
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import BspecError, ExitCode, Reason
from bspec_opa.trust import author
from bspec_opa.trust.author import BundleReference, build_root, renew, revoke, sign_root
from bspec_opa.trust.dsse import add_signatures
from bspec_opa.trust.keys import PrivateKey
from bspec_opa.trust.root import AcceptedBundle, TrustRoot, parse_root
from bspec_opa.trust.walk import walk

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

ISSUED = World.ISSUED
MISSING = Reason("file.unreadable", ExitCode.INVALID, "missing", "name another")
BUNDLES = {
    BundleReference("shipped", "default"): AcceptedBundle("default", "r1", digest("default")),
    BundleReference("path", "bundles/acme.tar.gz"): AcceptedBundle("acme", "r7", digest("acme")),
}

EXAMPLE = textwrap.dedent(str(author.__doc__).partition("::\n\n")[2].partition("\n\nWhat a key")[0]) + "\n"


def read_public_key(path: str) -> bytes:
    """keys/NAME.pub is the public key of NAME; some are something else."""
    name = path.removeprefix("keys/").removesuffix(".pub")
    if name == "missing":
        raise MISSING.error("can't be read")
    if name == "private":
        return key_of("alice").to_pem()
    if name == "p256":
        return PrivateKey(ec.derive_private_key(5, ec.SECP256R1())).public.pem
    return key_of(name).public.pem


def resolve_bundle(reference: BundleReference) -> AcceptedBundle:
    if reference not in BUNDLES:
        raise MISSING.error("no such bundle")
    return BUNDLES[reference]


def build(text: str = EXAMPLE, issued: int = ISSUED, previous: TrustRoot | None = None) -> JsonObject:
    document = load_yaml(text.encode(), "trust.yaml")
    return build_root(
        document, read_public_key=read_public_key, resolve_bundle=resolve_bundle, issued=issued, previous=previous
    )


def walked(*payloads: JsonObject) -> TrustRoot:
    keys = [key_of("root-1"), key_of("root-2")]
    return walk(digest_json(payloads[0]), [sign_root(p, keys).to_bytes() for p in payloads])[-1]


def test_the_example_becomes_this_payload() -> None:
    payload: Any = build()
    names = {key_of(n).keyid: n for n in ("root-1", "root-2", "ledger", "gate", "alice", "dana")}
    assert {names[k["id"]]: k["purpose"] for k in payload.pop("keys")} == {
        "root-1": "root",
        "root-2": "root",
        "ledger": "ledger",
        "gate": "gate",
        "alice": "record",
        "dana": "record",
    }
    ids = {n: k for k, n in names.items()}
    default = {"name": "default", "revision": "r1", "digest": digest("default")}
    acme = {"name": "acme", "revision": "r7", "digest": digest("acme")}
    everywhere = {"agents": ["*"], "environments": ["*"]}
    assert payload == {
        "schema": "bspec.trust-root/v1",
        "domain": "acme",
        "version": 1,
        "previous_digest": ZERO_DIGEST,
        "issued": "2026-05-01T00:00:00Z",
        "expires": "2027-05-01T00:00:00Z",
        "root": {"keys": [ids["root-1"], ids["root-2"]], "threshold": 2},
        "principals": [
            {"id": "gate-ci", "group": "gate-ci", "keys": [ids["gate"]]},
            {"id": "alice", "group": "team:support", "keys": [ids["alice"]]},
            {"id": "dana", "group": "team:platform", "keys": [ids["dana"], ids["root-1"]]},
        ],
        "grants": [
            {"principal": "gate-ci", "role": "gate"} | everywhere,
            {"principal": "alice", "role": "author", "agents": ["billing-support"], "environments": ["*"]},
            {"principal": "dana", "role": "environment-admin", "agents": ["*"], "environments": ["staging"]},
            {"principal": "dana", "role": "environment-admin", "agents": ["*"], "environments": ["production"]},
        ],
        "agents": [{"id": "billing-support", "owners": ["team:support"]}],
        "environments": [
            {"id": "staging", "from": "", "assurance": "measured", "mandatory_rules": []},
            {
                "id": "production",
                "from": "staging",
                "assurance": "measured",
                "mandatory_rules": ["promotion.all.submitted"],
            },
        ],
        "policies": [
            {"environment": "staging", "bundles": [default]},
            {"environment": "production", "bundles": [default, acme]},
        ],
        "publishers": [],
        "ledger": {"origin": "acme.example/bspec", "keys": [ids["ledger"]]},
        "revoked": [{"kind": "key", "id": key_of("old-laptop").keyid, "reason": "lost on a train"}],
    }


def test_the_example_is_a_root_that_can_be_walked() -> None:
    root = walked(build())
    assert root.authenticated
    assert root.roles_of("dana", "billing-support", "production") == {"environment-admin"}


def test_keys_may_stand_in_the_file_itself() -> None:
    pem = textwrap.indent(key_of("alice").public.pem.decode(), " " * 10).rstrip()
    text = EXAMPLE.replace("keys: [keys/alice.pub]", f"keys:\n      - |\n{pem}")
    assert "BEGIN PUBLIC KEY" in text
    assert build(text) == build()


def test_what_may_be_left_out_has_defaults() -> None:
    lines = [line for line in EXAMPLE.splitlines() if "group: team:support" not in line]
    text = "\n".join(lines).partition("policies:")[0].replace("team:support", "alice")
    payload: Any = build(text)
    assert payload["policies"] == payload["revoked"] == []
    assert payload["principals"][1]["group"] == "alice"


@pytest.mark.parametrize(("identifier", "kind"), [(key_of("mallory").keyid, "key"), (str(digest("record")), "record")])
def test_revocations_by_id(identifier: str, kind: str) -> None:
    text = EXAMPLE + f'  - {{{kind}: "{identifier}", reason: wrong}}\n'
    payload: Any = build(text)
    assert payload["revoked"][1] == {"kind": kind, "id": identifier, "reason": "wrong"}


@pytest.mark.attack("A19")
def test_next_version_follows_the_present_one() -> None:
    first = build()
    root = walked(first)
    second = build(EXAMPLE.replace("P365D", "P30D"), ISSUED + DAY, root)
    assert (second["version"], second["previous_digest"]) == (2, root.digest)
    assert walked(first, second).expires_unix == ISSUED + 31 * DAY


REFUSED: dict[str, tuple[str, str, str]] = {
    "unknown member": ("valid: P365D", "validity: P365D", "valid"),
    "misspelt member": ("owners: [team:support]", "owner: [team:support]", 'did you mean "owners"?'),
    "member of another place": ("reason: lost", "id: abc, reason: lost", "known: key, last_good, mode, reason, record"),
    "near member of another place": ("{id: staging}", "{id: staging, role: x}", "known: adoption, assurance, from, id"),
    "near member of this place": ("reason: lost", "reasons: lost", 'did you mean "reason"?'),
    "member of a list in a list": ("role: author, agents", "role: author, agent", 'did you mean "agents"?'),
    "another schema": ("bspec.trust/v1", "bspec.trust/v2", "schema must be one of bspec.trust/v1"),
    "zero threshold": ("threshold: 2", "threshold: 0", "root.threshold must be 1 to 64"),
    "threshold true": ("threshold: 2", "threshold: true", "root.threshold must be an integer"),
    "threshold out of reach": ("threshold: 2", "threshold: 3", "above the 2 distinct owners"),
    "validity of another form": ("P365D", "1 year", "is not a duration"),
    "validity of nothing": ("P365D", "P0D", "must lie after issued"),
    "missing key file": ("keys/alice.pub", "keys/missing.pub", "can't be read"),
    "private key": ("keys/alice.pub", "keys/private.pub", "holds a private key"),
    "P-256 ledger key": ("keys/ledger.pub", "keys/p256.pub", "must be Ed25519"),
    "gate with the ledger's key": ("keys/gate.pub", "keys/ledger.pub", "is a ledger key already"),
    "person with the gate's key": ("keys/alice.pub", "keys/gate.pub", "is a gate key already"),
    "gate with a root key": ("keys/gate.pub", "keys/root-1.pub", "is a root key already"),
    "two people with one key": ("keys/alice.pub", "keys/dana.pub", "is used twice"),
    "unknown owner": ("owners: [team:support]", "owners: [team:suport]", 'did you mean "team:support"?'),
    "unknown agent": ("agents: [billing-support]", "agents: [billing]", 'unknown agent "billing"'),
    "unknown environment": ("environments: [staging]", "environments: [stagin]", 'did you mean "staging"?'),
    "unknown from": ("from: staging", "from: stagin", 'did you mean "staging"?'),
    "from itself": ("from: staging", "from: production", "in a circle"),
    "reserved environment": ("id: production", "id: all", "can't be an environment"),
    "policy for an unknown environment": (
        "[production], bundles",
        "[prodution], bundles",
        'did you mean "production"?',
    ),
    "unknown bundle": ("shipped: default", "shipped: defualt", "no such bundle"),
    "bundle named twice": ("shipped: default", "shipped: default, path: x", "shipped or by path"),
    "bundle not named": ("{shipped: default}", "{}", "shipped or by path"),
    "same bundle twice": ("path: bundles/acme.tar.gz", "shipped: default", "is there twice"),
    "revocation of two things": ("key: keys/old-laptop.pub", 'key: a, record: "sha256:0"', "key or a record"),
    "revocation of nothing": ("key: keys/old-laptop.pub, reason", "reason", "key or a record"),
    "revocation of a missing file": ("keys/old-laptop.pub", "keys/missing.pub", "can't be read"),
    "revocation of a bad record": ("key: keys/old-laptop.pub", "record: abc", "has another form"),
    "id with a capital": ("id: alice", "id: Alice", "has another form"),
}


@pytest.mark.attack("A11")
@pytest.mark.parametrize("name", REFUSED)
def test_problems_are_told_with_their_line(name: str) -> None:
    old, new, message = REFUSED[name]
    assert EXAMPLE.count(old) >= 1
    text = EXAMPLE.replace(old, new, 1)
    with refused("trust.bad-trust-file") as e:
        build(text)
    assert message in str(e.value), str(e.value)
    assert e.value.exit_code == 3
    changed = next(n for n, (a, b) in enumerate(zip(EXAMPLE.splitlines(), text.splitlines(), strict=True), 1) if a != b)
    lines = [p.location.line for p in e.value.problems if p.location]
    assert changed in lines, (changed, str(e.value))


def test_all_problems_are_told_at_once() -> None:
    text = EXAMPLE.replace("keys/alice.pub", "keys/missing.pub").replace("shipped: default", "shipped: other")
    with refused("trust.bad-trust-file") as e:
        build(text)
    assert [p.message for p in e.value.problems] == ["key: can't be read", "bundle: no such bundle"]


@pytest.mark.attack("A71")
def test_private_key_pasted_into_the_file_is_not_shown() -> None:
    pem = key_of("alice").to_pem().decode()
    text = EXAMPLE.replace("keys: [keys/alice.pub]", "keys:\n      - |\n" + textwrap.indent(pem, " " * 10).rstrip())
    with refused("trust.bad-trust-file") as e:
        build(text)
    assert pem.splitlines()[1] not in str(e.value)
    assert "private key" in str(e.value)


def test_domain_stays() -> None:
    root = walked(build())
    with refused("trust.bad-trust-file") as e:
        build(EXAMPLE.replace("domain: acme ", "domain: acme2 "), ISSUED + 1, root)
    assert "acme" in str(e.value)


def test_not_an_object_is_refused() -> None:
    with refused("trust.bad-trust-file"):
        build("- a\n- b\n")


def test_renewal_changes_the_times_and_nothing_else() -> None:
    first = build()
    root = walked(first)
    renewed = renew(root, issued=ISSUED + 100 * DAY)
    assert renewed == first | {
        "version": 2,
        "previous_digest": root.digest,
        "issued": "2026-08-09T00:00:00Z",
        "expires": "2027-08-09T00:00:00Z",
    }
    assert walked(first, renewed).version == 2
    assert renew(root, issued=ISSUED, validity_s=DAY)["expires"] == "2026-05-02T00:00:00Z"


def test_renewal_before_the_present_version_is_refused() -> None:
    with refused("trust.broken-chain"):
        renew(walked(build()), issued=ISSUED - 1)


@pytest.mark.attack("A16")
def test_revocation_adds_one_item_and_keeps_the_expiry() -> None:
    first = build()
    root = walked(first)
    for kind, identifier in (("key", key_of("alice").keyid), ("record", str(digest("record")))):
        payload: Any = revoke(root, kind, identifier, "stolen", issued=ISSUED + DAY)
        assert payload["revoked"][1:] == [{"kind": kind, "id": identifier, "reason": "stolen"}]
        assert payload["expires"] == first["expires"]
        assert walked(first, payload).revocation(kind, identifier)


@pytest.mark.attack("A11")
@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("key", key_of("root-1").keyid),
        ("key", key_of("old-laptop").keyid),
        ("record", "0" * 64),
        ("key", "nonsense"),
        ("person", key_of("alice").keyid),
    ],
)
def test_revocation_that_makes_no_root_is_refused(kind: str, identifier: str) -> None:
    with refused("trust.bad-trust-file"):
        revoke(walked(build()), kind, identifier, "stolen", issued=ISSUED + DAY)


def test_holders_of_root_keys_sign_one_after_another() -> None:
    payload = build()
    one = sign_root(payload, [key_of("root-1")])
    with refused("trust.root-signatures"):
        walk(one.digest, [one.to_bytes()])
    both = add_signatures(one, [key_of("root-2")])
    assert walk(one.digest, [both.to_bytes()])[0].payload == canonical_bytes(payload)


def test_whatever_is_built_can_be_parsed() -> None:
    for text in (EXAMPLE, EXAMPLE.replace("threshold: 2", "threshold: 1")):
        payload = build(text)
        assert parse_root(canonical_bytes(payload), "root", authenticated=False).version == 1


@pytest.mark.parametrize(
    "member", ["schema", "domain", "valid", "root", "ledger", "principals", "agents", "environments"]
)
def test_needed_members_are_needed(member: str) -> None:
    text = f"\n{EXAMPLE}".replace(f"\n{member}:", f"\nx-{member}:", 1)
    with pytest.raises(BspecError, match=f'lacks "{member}"'):
        build(text)
