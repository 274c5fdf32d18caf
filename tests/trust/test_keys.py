from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from world import key_of, refused

from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.trust.keys import (
    MAX_KEY_BYTES,
    PrivateKey,
    generate_private_key,
    load_private_key,
    native_public_key,
    private_key_from_pem,
    public_key_from_pem,
    public_key_from_spki,
    public_key_of,
    write_private_key,
)

if TYPE_CHECKING:
    from pathlib import Path

ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
P = 2**255 - 19
ORDER_L = 2**252 + 27742317777372353535851937790883648493

# Frozen: points of order 1, 2, 4 and 8, and second encodings (RFC 8032; the list of libsodium's has_small_order).
SMALL_ORDER = {
    "order 4, zero": "00" * 32,
    "order 1": "01" + "00" * 31,
    "order 8, first": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, second": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order 2, p-1": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p itself": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p+1": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 1, sign bit": "01" + "00" * 30 + "80",
}


@pytest.fixture(scope="module")
def p256() -> PrivateKey:
    return PrivateKey(ec.derive_private_key(20260501, ec.SECP256R1()))


def key_file(directory: Path, pem: bytes, mode: int = 0o600) -> Path:
    path = directory / "key.pem"
    path.write_bytes(pem)
    path.chmod(mode)
    return path


def test_generated_key_signs_and_its_public_half_verifies() -> None:
    key = private_key_from_pem(generate_private_key())
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert key.public.algorithm == "ed25519"
    assert key.public.verify(signature, b"message")
    assert not key.public.verify(signature, b"another message")


def test_generated_keys_differ() -> None:
    assert generate_private_key() != generate_private_key()


def test_keyid_is_the_digest_of_the_public_key_info() -> None:
    public = key_of("alice").public
    assert public.keyid == key_of("alice").keyid == hex_of(digest_of(public.spki))
    assert len(public.keyid) == 64


def test_ecdsa_p256_signs_and_verifies(p256: PrivateKey) -> None:
    assert p256.public.algorithm == "ecdsa-p256-sha256"
    signature = p256.sign(b"message")
    assert p256.public.verify(signature, b"message")
    assert not p256.public.verify(signature, b"messagE")
    assert not p256.public.verify(b"", b"message")


def test_ecdsa_with_another_hash_is_refused(p256: PrivateKey) -> None:
    native = ec.derive_private_key(20260501, ec.SECP256R1())
    assert not p256.public.verify(native.sign(b"message", ec.ECDSA(hashes.SHA512())), b"message")


@pytest.mark.attack("A15")
@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_ed25519_signature_of_another_length_is_refused(length: int) -> None:
    signature = (key_of("alice").sign(b"m") + b"\0" * 64)[:length]
    assert not key_of("alice").public.verify(signature, b"m")


@pytest.mark.attack("A15")
def test_malleated_ed25519_signature_is_refused() -> None:
    signature = key_of("alice").sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    malleated = signature[:32] + (s + ORDER_L).to_bytes(32, "little")
    assert not key_of("alice").public.verify(malleated, b"m")


@pytest.mark.attack("A15")
@given(bit=st.integers(0, 511))
def test_any_flipped_bit_of_a_signature_is_refused(bit: int) -> None:
    signature = bytearray(key_of("alice").sign(b"m"))
    signature[bit // 8] ^= 1 << (bit % 8)
    assert not key_of("alice").public.verify(bytes(signature), b"m")


def test_encrypted_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    path = key_file(tmp_path, generate_private_key(b"correct horse"))
    key = load_private_key(path, b"correct horse")
    assert key.public.verify(key.sign(b"m"), b"m")
    for wrong in (b"wrong horse", None, b""):
        with refused("trust.key-passphrase") as e:
            load_private_key(path, wrong)
        assert "horse" not in str(e.value)


def test_passphrase_for_a_key_that_has_none_is_refused(tmp_path: Path) -> None:
    with refused("trust.key-passphrase"):
        load_private_key(key_file(tmp_path, generate_private_key()), b"secret")


def test_key_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "new.pem"
    write_private_key(path, key_of("alice").to_pem())
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_private_key(path).public == key_of("alice").public


@pytest.mark.attack("A74")
def test_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = key_file(tmp_path, b"old")
    with refused("file.exists"):
        write_private_key(path, key_of("alice").to_pem())
    assert path.read_bytes() == b"old"


@pytest.mark.attack("A74")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o610, 0o644, 0o666])
def test_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with refused("trust.key-exposed") as e:
        load_private_key(key_file(tmp_path, generate_private_key(), mode))
    assert e.value.exit_code == 7
    assert f"{mode:04o}" in str(e.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_key_that_only_its_owner_may_touch_is_taken(tmp_path: Path, mode: int) -> None:
    assert load_private_key(key_file(tmp_path, generate_private_key(), mode)).keyid


@pytest.mark.attack("A74")
def test_link_to_a_key_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(key_file(tmp_path, generate_private_key()))
    with refused("file.unreadable"):
        load_private_key(link)


def test_missing_directory_pipe_and_bad_name_are_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path / "missing", tmp_path, pipe, tmp_path / "nul\0"):
        with refused("file.unreadable"):
            load_private_key(path)


def test_huge_key_file_is_refused(tmp_path: Path) -> None:
    with refused("trust.bad-key"):
        load_private_key(key_file(tmp_path, b"x" * (MAX_KEY_BYTES + 1)))


UNSUPPORTED: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p384": ec.derive_private_key(7, ec.SECP384R1()),
    "secp256k1": ec.derive_private_key(7, ec.SECP256K1()),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_other_algorithms_are_refused(name: str) -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    native = UNSUPPORTED[name]
    public = native.public_key()
    with refused("trust.bad-key"):
        private_key_from_pem(native.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with refused("trust.bad-key"):
        public_key_from_pem(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with refused("trust.bad-key"):
        public_key_from_spki("ecdsa-p256-sha256", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("data", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_rubbish_is_no_private_key(data: bytes) -> None:
    with refused("trust.bad-key") as e:
        private_key_from_pem(data, name="key.pem")
    assert str(e.value).startswith("key.pem: ")
    assert "AAAA" not in str(e.value)


@pytest.mark.parametrize("data", [b"", b"rubbish", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_rubbish_is_no_public_key(data: bytes) -> None:
    with refused("trust.bad-key"):
        public_key_from_pem(data)


@pytest.mark.attack("A71")
def test_private_key_in_place_of_a_public_one_is_refused_without_showing_it() -> None:
    pem = key_of("alice").to_pem()
    with refused("trust.bad-key") as e:
        public_key_from_pem(pem)
    assert pem.decode().splitlines()[1] not in str(e.value)
    assert "private key" in str(e.value)


def test_public_key_survives_pem_and_der(p256: PrivateKey) -> None:
    for key in (key_of("alice").public, p256.public):
        assert public_key_from_pem(key.pem) == key
        assert public_key_from_spki(key.algorithm, key.spki) == key
        assert public_key_of(native_public_key(key)) == key


def test_algorithm_must_be_the_keys_own(p256: PrivateKey) -> None:
    with refused("trust.bad-key"):
        public_key_from_spki("ed25519", p256.public.spki)


@pytest.mark.attack("A09")
def test_second_encoding_of_a_p256_key_is_refused(p256: PrivateKey) -> None:
    native = native_public_key(p256.public)
    point = native.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    bits = b"\x03" + bytes([len(point) + 1]) + b"\0" + point
    der = b"\x30" + bytes([len(algorithm) + len(bits)]) + algorithm + bits
    with refused("trust.bad-key"):
        public_key_from_spki("ecdsa-p256-sha256", der)


@pytest.mark.attack("A09")
@pytest.mark.parametrize("name", SMALL_ORDER)
def test_degenerate_ed25519_points_are_refused(name: str) -> None:
    with refused("trust.bad-key"):
        public_key_from_spki("ed25519", ED25519_PREFIX + bytes.fromhex(SMALL_ORDER[name]))


def test_order_8_points_are_really_refused_by_our_check() -> None:
    for name in ("order 8, first", "order 8, second"):
        raw = bytes.fromhex(SMALL_ORDER[name])
        native = ed25519.Ed25519PublicKey.from_public_bytes(raw)
        with refused("trust.bad-key") as e:
            public_key_of(native)
        assert "degenerate" in str(e.value)
    ys = [int.from_bytes(bytes.fromhex(SMALL_ORDER[n]), "little") for n in ("order 8, first", "order 8, second")]
    assert sum(ys) == P


@pytest.mark.parametrize("der", [b"", b"\x30\x00", ED25519_PREFIX, ED25519_PREFIX + b"\1" * 33])
def test_rubbish_is_no_public_key_info(der: bytes) -> None:
    with refused("trust.bad-key"):
        public_key_from_spki("ed25519", der)


@pytest.mark.attack("A71")
def test_a_private_key_is_not_printed() -> None:
    secret = key_of("alice").to_pem().decode().splitlines()[1]
    assert secret not in repr(key_of("alice"))
    assert secret not in str(vars(type(key_of("alice"))))


def test_the_public_half_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "author.pub.pem"
    path.write_bytes(private_key_from_pem(generate_private_key()).public.pem)
    path.chmod(0o644)
    with refused("trust.bad-key") as caught:
        load_private_key(path)
    assert caught.value.problems[0].message == "holds a public key"
    assert "private half" in caught.value.problems[0].hint
