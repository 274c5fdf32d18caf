"""Whose signature, over which files, how old: by us, and by a real OPA where OPA looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from publishers import (
    NOW,
    RealOpa,
    key,
    listed,
    loosely_packed,
    members,
    packed,
    publisher,
    sign,
    signatures,
)

from bspec_opa.bundle.archive import decompress
from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.signing.attach import attached, detached
from bspec_opa.bundle.signing.foreign import read_any
from bspec_opa.bundle.signing.token import read_signature
from bspec_opa.bundle.signing.verify import Verified, require_sequenced, verified
from bspec_opa.foundation.errors import InvalidInputError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[dict[str, bytes]], object]

DAY = 86_400
ALGORITHMS = ("ES256", "RS256")


@pytest.fixture
def real(opa_path: Path, tmp_path: Path) -> RealOpa:
    return RealOpa(opa_path, tmp_path)


def ours(archive: bytes, *publishers: Any, now: int = NOW) -> Verified:
    return verified(members(archive), publishers or (publisher(),), now)


def code(archive: bytes, *publishers: Any, now: int = NOW) -> str:
    with pytest.raises(TrustError) as error:
        ours(archive, *publishers, now=now)
    return error.value.code


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_we_sign_a_real_opa_accepts(real: RealOpa, bundle_bytes: bytes, algorithm: str) -> None:
    signer = key(algorithm, algorithm)
    signed = sign(bundle_bytes, signer, scope="acme")
    assert real.accepts(signed, signer, "acme")
    assert not real.accepts(signed, key("other", algorithm), "acme")
    assert not real.accepts(signed, signer, "other")
    assert ours(signed, publisher(signer, scope="acme")).signature.sequence == 7


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_opa_signs_we_accept(real: RealOpa, bundle_bytes: bytes, algorithm: str) -> None:
    """Claims of ours go through ``opa sign`` unchanged, and OPA ignores them when it verifies."""
    signer = key(algorithm, algorithm)
    claims = {"bspec_sequence": 9, "iat": NOW - DAY, "scope": "acme", "keyid": signer.public.id}
    signed = attached(read_bundle(bundle_bytes, "x"), real.sign(bundle_bytes, claims, signer))
    assert real.accepts(signed, signer, "acme")
    found = ours(signed, publisher(signer, scope="acme"))
    assert (require_sequenced(found), found.signature.issued_unix) == (9, NOW - DAY)
    assert code(signed, publisher(key("other", algorithm), scope="acme")) == "bundle.unknown-publisher"


def test_a_token_that_names_no_key(real: RealOpa, bundle_bytes: bytes) -> None:
    """``opa sign`` writes none: each publisher's key is tried, and one that made it is needed."""
    signed = attached(read_bundle(bundle_bytes, "x"), real.sign(bundle_bytes, {"bspec_sequence": 1, "iat": 1}))
    assert read_signature(members(signed)[SIGNATURES]).key_id == ""
    assert ours(signed, publisher(key("two")), publisher()).publisher == publisher()
    assert code(signed, publisher(key("two"))) == "bundle.bad-signature"


def test_a_bundle_of_opa_build(real: RealOpa) -> None:
    """With a signing key it rewrites files and signs what it wrote; that is what is verified, in memory."""
    tree = {"p/p.rego": b"package p\n\nallow := data.p.n == 1.50\n", "p/data.json": b'{"n": 1.50, "t": "<&\\u2028>"}'}
    archive = real.build(tree, key(), "-r", "r7", "--verification-key-id", "key-one")
    files = read_any(decompress(archive))
    assert set(files) == {"data.json", "p/p.rego", ".manifest", SIGNATURES}
    found = verified(files, [publisher()], NOW)
    assert (found.signature.sequence, found.signature.issued_unix) == (None, None)
    with pytest.raises(TrustError, match="lacks bspec_sequence and iat") as error:
        require_sequenced(found)
    assert error.value.code == "bundle.unsequenced"
    limits: tuple[dict[str, Any], ...] = ({"minimum_sequence": 2}, {"max_age_s": 1})
    for limit in limits:
        with pytest.raises(TrustError, match="the signature lacks bspec_sequence or iat"):
            verified(files, [publisher(**limit)], NOW)


def _byte(files: dict[str, bytes]) -> None:
    name = "policy.wasm"
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


def _rule(files: dict[str, bytes]) -> None:
    (name, *_) = (n for n in files if n.startswith("bspec/rules/"))
    files[name] += b"\n"


def _datum(files: dict[str, bytes]) -> None:
    files["bspec/org/data.json"] = files["bspec/org/data.json"].replace(b'"name":"', b'"name":"x', 1)


TAMPERED: dict[str, Change] = {
    "a byte of the module": _byte,
    "a line feed in a rule": _rule,
    "a word in the data": _datum,
    "a file added": lambda f: f.update({"bspec/lib/more/more.rego": b"package bspec.lib.more\n"}),
    "data added": lambda f: f.update({"bspec/more/data.json": b"{}"}),
    "a file that OPA would not load, added": lambda f: f.update({"bspec/readme.txt": b"x"}),
    "a file removed": lambda f: f.pop("schemas/org.json"),
    "the module removed": lambda f: f.pop("policy.wasm"),
    "the manifest removed": lambda f: f.pop(".manifest"),
}


@pytest.mark.attack("A28")
@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_refused_by_both(real: RealOpa, bundle_bytes: bytes, name: str) -> None:
    """What we signed and what ``opa sign`` signed."""
    opas = real.sign(bundle_bytes, {"keyid": "key-one"})
    for signed in (sign(bundle_bytes), attached(read_bundle(bundle_bytes, "x"), opas)):
        assert real.accepts(signed)
        files = members(signed)
        TAMPERED[name](files)
        spoilt = packed(files)
        assert not real.accepts(spoilt)
        assert code(spoilt) == "bundle.signed-files"


@pytest.mark.parametrize("what", ["byte", "added", "removed"])
@pytest.mark.attack("A28")
def test_tampering_with_a_bundle_of_opa_build(real: RealOpa, what: str) -> None:
    archive = real.build({"p/p.rego": b"package p\n\nx := 1\n"}, key(), "--verification-key-id", "key-one")
    files = read_any(decompress(archive))
    again = loosely_packed(files, real.folder / "same.tar.gz")
    assert real.accepts(again)
    assert verified(read_any(decompress(again)), [publisher()], NOW).publisher == publisher()
    if what == "byte":
        files["p/p.rego"] = files["p/p.rego"].replace(b"1", b"2")
    elif what == "added":
        files["q/q.rego"] = b"package q\n"
    else:
        del files["p/p.rego"]
    spoilt = loosely_packed(files, real.folder / "spoilt.tar.gz")
    assert not real.accepts(spoilt)
    with pytest.raises(TrustError) as error:
        verified(read_any(decompress(spoilt)), [publisher()], NOW)
    assert error.value.code == "bundle.signed-files"


@pytest.mark.attack("A28")
def test_the_signature_taken_out(bundle_bytes: bytes) -> None:
    files = members(sign(bundle_bytes))
    del files[SIGNATURES]
    assert packed(files) == bundle_bytes
    assert code(bundle_bytes) == "bundle.unsigned"


@pytest.mark.attack("A02")
def test_no_bit_of_the_token_may_change(bundle_bytes: bytes) -> None:
    files = members(sign(bundle_bytes))
    good = files[SIGNATURES]
    start, end = good.index(b'["') + 2, good.index(b'"]')
    codes = set()
    for at in [*range(start, start + 40), *range(end - 90, end)]:
        other = b"B" if good[at : at + 1] == b"A" else b"A"
        spoilt = files | {SIGNATURES: good[:at] + other + good[at + 1 :]}
        with pytest.raises(TrustError) as error:
            verified(spoilt, [publisher()], NOW)
        codes.add(error.value.code)
    assert codes <= {"bundle.signature-form", "bundle.bad-signature", "bundle.unknown-publisher"}


@pytest.mark.attack("A30")
def test_the_algorithm_is_the_keys(bundle_bytes: bytes) -> None:
    """A token of one kind under the id of a key of the other."""
    files = members(bundle_bytes)
    rsa = key("RS256", "RS256")
    payload = {"files": listed(files), "keyid": rsa.public.id, "iat": NOW, "bspec_sequence": 1}
    genuine = packed(files | {SIGNATURES: signatures(payload, rsa)})
    assert ours(genuine, publisher(rsa)).publisher.key == rsa.public
    renamed = type(key().public)(rsa.public.id, "ES256", key().public.spki)
    from bspec_opa.trust.publisher import Publisher

    with pytest.raises(TrustError, match=r"claims RS256; the key signs with ES256"):
        ours(genuine, Publisher("security", renamed))


@pytest.mark.attack("A29")
def test_scope(real: RealOpa, bundle_bytes: bytes) -> None:
    """Exactly the publisher's, as OPA demands it."""
    for said, wanted in (("", "acme"), ("acme", ""), ("acme", "Acme")):
        signed = sign(bundle_bytes, scope=said)
        assert code(signed, publisher(scope=wanted)) == "bundle.signature-scope"
        assert not real.accepts(signed, scope=wanted)


@pytest.mark.attack("A30")
def test_an_unknown_key(bundle_bytes: bytes) -> None:
    signed = sign(bundle_bytes, key("stranger"))
    assert code(signed) == "bundle.unknown-publisher"
    impostor = type(key())(type(key().public)("key-one", "ES256", key("stranger").public.spki), key("stranger").native)
    assert code(sign(bundle_bytes, impostor)) == "bundle.bad-signature"
    with pytest.raises(TrustError, match="known here: none"):
        verified(members(signed), [], NOW)


def test_two_keys_during_a_rotation(real: RealOpa, bundle_bytes: bytes) -> None:
    """Both are accepted until the old one is taken out."""
    old, new = key("old"), key("new")
    both = (publisher(old), publisher(new))
    for signer in (old, new):
        assert ours(sign(bundle_bytes, signer), *both).publisher.key == signer.public
        assert real.accepts(sign(bundle_bytes, signer), signer)
    assert code(sign(bundle_bytes, old), publisher(new)) == "bundle.unknown-publisher"


@pytest.mark.attack("A31")
@pytest.mark.parametrize(
    ("sequence", "at", "limits", "expected"),
    [
        (7, NOW, {"minimum_sequence": 7, "max_age_s": 1}, ""),
        (6, NOW, {"minimum_sequence": 7}, "bundle.below-minimum"),
        (7, NOW - DAY, {"max_age_s": DAY}, ""),
        (7, NOW - DAY - 1, {"max_age_s": DAY}, "bundle.stale"),
        (7, NOW - 9_999 * DAY, {}, ""),
        (7, NOW + 1, {}, "bundle.from-the-future"),
    ],
)
def test_how_old(bundle_bytes: bytes, sequence: int, at: int, limits: dict[str, Any], expected: str) -> None:
    signed = sign(bundle_bytes, sequence=sequence, at=at)
    if expected:
        assert code(signed, publisher(**limits)) == expected
    else:
        assert require_sequenced(ours(signed, publisher(**limits))) == sequence


@pytest.mark.attack("A31")
@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW + 1}, ""),
        ({"exp": NOW}, "bundle.stale"),
        ({"nbf": NOW}, ""),
        ({"nbf": NOW + 1}, "bundle.from-the-future"),
    ],
)
def test_registered_claims_that_opa_ignores(bundle_bytes: bytes, claims: dict[str, int], expected: str) -> None:
    """A pipeline that gives them to ``opa sign`` means them."""
    files = members(bundle_bytes)
    payload = {"files": listed(files), "iat": NOW, "bspec_sequence": 1, **claims}
    signed = packed(files | {SIGNATURES: signatures(payload)})
    if expected:
        assert code(signed) == expected
    else:
        assert ours(signed).publisher == publisher()


def test_a_limit_needs_only_what_it_is_about(bundle_bytes: bytes) -> None:
    files = members(bundle_bytes)
    dated = packed(files | {SIGNATURES: signatures({"files": listed(files), "iat": NOW})})
    counted = packed(files | {SIGNATURES: signatures({"files": listed(files), "bspec_sequence": 7})})
    assert ours(dated, publisher(max_age_s=1)).signature.sequence is None
    assert ours(counted, publisher(minimum_sequence=7)).signature.issued_unix is None
    assert code(dated, publisher(minimum_sequence=2)) == "bundle.unsequenced"
    assert code(counted, publisher(max_age_s=1)) == "bundle.unsequenced"


def test_signing_changes_no_revision(bundle_bytes: bytes) -> None:
    before, after = read_bundle(bundle_bytes, "x"), read_bundle(sign(bundle_bytes), "x")
    assert (after.revision, after.data_digest, after.rules_digest) == (
        before.revision,
        before.data_digest,
        before.rules_digest,
    )
    assert after.digest != before.digest
    assert before.signature is None
    assert detached(after) == bundle_bytes
    assert set(members(sign(sign(bundle_bytes)))) == {*before.files, SIGNATURES}


def test_signatures_over_other_files_are_not_attached(bundle_bytes: bytes) -> None:
    bundle = read_bundle(bundle_bytes, "x")
    other = [f for f in listed(bundle.files) if f["name"] != "policy.wasm"]
    with pytest.raises(InvalidInputError, match=r"policy\.wasm is not what the signatures say"):
        attached(bundle, signatures({"files": other}))
