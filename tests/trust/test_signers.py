from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import (  # type: ignore[attr-defined]  # public, no __all__
    SIGNER_FOR_URI_SCHEME,
    CryptoSigner,
    Key,
    SecretsHandler,
    Signature,
    Signer,
)
from world import World, key_of, refused

from bspec_opa.foundation.errors import BspecError
from bspec_opa.trust.foreign_signer import ForeignSigner, library_key, open_foreign
from bspec_opa.trust.keys import PrivateKey, private_key_from_pem
from bspec_opa.trust.local_signer import LocalSigner
from bspec_opa.trust.signers import FOREIGN_SCHEMES, open_signer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.signers import Signer as OurSigner

PEM = key_of("alice").to_pem()
SECRET = PEM.decode().splitlines()[1]
P256 = PrivateKey(ec.derive_private_key(99, ec.SECP256R1()))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.pem"
    path.write_bytes(PEM)
    path.chmod(0o600)
    return path


def check(signer: OurSigner, public: PublicKey) -> None:
    assert signer.public == public
    assert signer.keyid == public.keyid
    assert public.verify(signer.sign(b"message"), b"message")


def test_file_is_opened_with_and_without_a_scheme(key_file: Path) -> None:
    for uri in (str(key_file), f"file:{key_file}"):
        check(open_signer(uri, environ={}), key_of("alice").public)


def test_relative_path_is_a_path(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(key_file.parent)
    for uri in ("alice.pem", "./alice.pem", "file:alice.pem"):
        check(open_signer(uri, environ={}), key_of("alice").public)


def test_variable_holds_the_pem() -> None:
    check(open_signer("envvar:SIGNING_KEY", environ={"SIGNING_KEY": PEM.decode()}), key_of("alice").public)


def test_encrypted_keys_are_opened(tmp_path: Path) -> None:
    pem = key_of("alice").to_pem(b"horse")
    path = tmp_path / "k.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    for uri in (f"file:{path}", "envvar:K"):
        signer = open_signer(uri, environ={"K": pem.decode()}, passphrase=b"horse")
        check(signer, key_of("alice").public)
        with refused("trust.key-passphrase"):
            open_signer(uri, environ={"K": pem.decode()})


def test_expected_public_key_must_be_the_signers(key_file: Path) -> None:
    check(open_signer(str(key_file), environ={}, public=key_of("alice").public), key_of("alice").public)
    with refused("trust.bad-signer-uri"):
        open_signer(str(key_file), environ={}, public=key_of("bob").public)


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "file2:/key.pem",
        "gnupg:ABCD",
        "tkey:",
        "https://token@host/key",
        "envvar:",
        "envvar:NOT SET",
        "envvar:MISSING",
        "envvar:EMPTY",
        f"envvar:{SECRET}=",
        PEM.decode(),
        f"envvar:{PEM.decode()}",
        f"file:{PEM.decode()}",
        *(f"{scheme}:token-{SECRET}" for scheme in sorted(FOREIGN_SCHEMES)),
    ],
)
def test_uri_that_is_not_understood_is_refused_without_being_shown(uri: str) -> None:
    with refused("trust.bad-signer-uri") as e:
        open_signer(uri, environ={"EMPTY": ""})
    assert e.value.exit_code == 2
    assert SECRET not in str(e.value)
    assert "token" not in str(e.value)


PASTED = PEM.decode().splitlines()[1]
BODIES = [
    PASTED,
    PASTED[:-9] + ".pem",
    "nC4CAQAwBQYDK2VwBCIEIBdQ7Zz/AAAA9qYkXo+bbbbbbbbbbbbbbbbb",
    "nC4CAQAwBQYDK2VwBCIEIBdQ7Zz_AAAA9qYkXo-bbbbbbbbbbbbbbbbb",
    "MIGHAgEAMBMGByqGSM49AgEG CCqGSM49AwEHBG0wawIBAQQg ab",
    "0123456789abcdef0123456789abcdef0123456789abcdef",
]


@pytest.mark.attack("A71")
@pytest.mark.parametrize("before", ["", "file:", "/work/dir/", "file:keys/", "envvar:"])
@pytest.mark.parametrize("body", BODIES)
def test_key_pasted_in_place_of_its_name_is_not_shown(before: str, body: str) -> None:
    with pytest.raises(BspecError) as e:
        open_signer(before + body, environ={})
    assert e.value.code in {"file.unreadable", "trust.bad-signer-uri"}
    assert body not in str(e.value)
    assert body[-20:] not in str(e.value)
    assert "named here" in str(e.value) or "the name of a variable" in str(e.value)


@pytest.mark.attack("A71")
@pytest.mark.parametrize("name", ["gate", "keys/alice.pem", "/home/Ann2/a-directory-with-a-long-name-of-its-own/k.pem"])
def test_names_of_files_are_told(name: str) -> None:
    with refused("file.unreadable") as e:
        open_signer(name, environ={})
    assert str(e.value).startswith(f"{name}: ")


@pytest.mark.attack("A71")
def test_rubbish_in_a_variable_is_refused_without_being_shown() -> None:
    with refused("trust.bad-key") as e:
        open_signer("envvar:K", environ={"K": SECRET + "\udcff"})
    assert SECRET not in str(e.value)
    assert str(e.value).startswith("envvar:K: ")


class FakeBackend(Signer):
    """A key management service: knows one key, may be broken in some way."""

    fault = ""
    opened: tuple[str, str | None] = ("", None)

    def __init__(self, key: PrivateKey) -> None:
        self.key = key

    @property
    def public_key(self) -> Key:
        return library_key(self.key.public)

    def sign(self, payload: bytes) -> Signature:
        if type(self).fault == "network":
            raise OSError(f"no route to https://{SECRET}@kms")
        if type(self).fault == "not hex":
            return Signature(self.key.keyid, "zz")
        message = b"something else" if type(self).fault == "other bytes" else payload
        return Signature("the backend's own id", self.key.sign(message).hex())

    @classmethod
    def from_priv_key_uri(
        cls,
        priv_key_uri: str,
        public_key: Key,  # noqa: ARG003 - the library's interface
        secrets_handler: SecretsHandler | None = None,
    ) -> FakeBackend:
        if cls.fault == "open":
            raise RuntimeError(f"bad token {SECRET} in {priv_key_uri}")
        cls.opened = (priv_key_uri, secrets_handler("PIN") if secrets_handler and "pin" in priv_key_uri else None)
        return cls(P256)


@pytest.fixture
def backend() -> Iterator[type[FakeBackend]]:
    """The fake as the library's signer for awskms:."""

    class Backend(FakeBackend):
        pass

    original = SIGNER_FOR_URI_SCHEME["awskms"]
    SIGNER_FOR_URI_SCHEME["awskms"] = Backend
    yield Backend
    SIGNER_FOR_URI_SCHEME["awskms"] = original


def test_foreign_scheme_goes_to_the_library(backend: type[FakeBackend]) -> None:
    check(open_signer("awskms:alias/gate", environ={}, public=P256.public), P256.public)
    assert backend.opened == ("awskms:alias/gate", None)


def test_the_public_key_stands_behind_the_uri(backend: type[FakeBackend], tmp_path: Path) -> None:
    file = tmp_path / "gate.pub.pem"
    file.write_bytes(P256.public.pem)
    check(open_signer(f"awskms:alias/gate#{file}", environ={}), P256.public)
    assert backend.opened == ("awskms:alias/gate", None)
    check(open_signer(f"awskms:alias/gate#{file}", environ={}, public=P256.public), P256.public)
    for uri, code, public in (
        ("awskms:alias/gate", "trust.bad-signer-uri", None),
        ("awskms:alias/gate#", "trust.bad-signer-uri", None),
        (f"awskms:alias/gate#{file}", "trust.bad-signer-uri", key_of("alice").public),
        (f"awskms:alias/gate#{file}.missing", "file.unreadable", None),
    ):
        with refused(code):
            open_signer(uri, environ={}, public=public)
    file.write_bytes(key_of("alice").public.pem)
    with refused("trust.signer-failed"):
        open_signer(f"awskms:alias/gate#{file}", environ={}).sign(b"message")
    file.write_bytes(P256.to_pem())
    with refused("trust.bad-key"):
        open_signer(f"awskms:alias/gate#{file}", environ={})


def test_backend_that_asks_for_a_secret_gets_the_passphrase(backend: type[FakeBackend]) -> None:
    check(open_signer("awskms:pin", environ={}, public=P256.public, passphrase=b"1234"), P256.public)
    assert backend.opened == ("awskms:pin", "1234")
    with refused("trust.signer-failed"):
        open_signer("awskms:pin", environ={}, public=P256.public)


def test_backend_that_asks_for_a_secret_that_nobody_gave_says_where_to_give_it(backend: type[FakeBackend]) -> None:
    with refused("trust.signer-failed") as e:
        open_foreign("awskms:pin", P256.public)
    assert "BSPEC_OPA_PASSPHRASE" in e.value.problems[0].hint
    assert backend.opened == ("", None)


@pytest.mark.attack("A71")
def test_backend_that_fails_to_open_is_refused_without_its_secrets(backend: type[FakeBackend]) -> None:
    backend.fault = "open"
    with refused("trust.signer-failed") as e:
        open_signer(f"awskms:{SECRET}", environ={}, public=P256.public)
    assert SECRET not in str(e.value)
    assert e.value.__cause__ is None
    assert "RuntimeError" in str(e.value)


@pytest.mark.attack("A71")
@pytest.mark.parametrize("fault", ["network", "not hex", "other bytes"])
def test_backend_that_does_not_sign_is_refused(backend: type[FakeBackend], fault: str) -> None:
    signer = open_foreign("awskms:x", P256.public)
    backend.fault = fault
    with refused("trust.signer-failed") as e:
        signer.sign(b"message")
    assert SECRET not in str(e.value)


def test_backend_with_another_key_is_refused(backend: type[FakeBackend]) -> None:
    with refused("trust.signer-failed"):
        open_foreign("awskms:x", key_of("alice").public).sign(b"message")


def test_backend_whose_package_is_missing_is_refused() -> None:
    with refused("trust.signer-failed") as e:
        open_signer("hsm:2?label=YubiKey", environ={}, public=P256.public, passphrase=b"1234")
    assert "install" in str(e.value)


def test_the_librarys_own_signer_can_be_adapted() -> None:
    original = CryptoSigner.generate_ecdsa()
    key = private_key_from_pem(original.private_bytes)
    signer = ForeignSigner(original, key.public)
    check(signer, key.public)


def test_records_of_a_foreign_signer_count(world: World, backend: type[FakeBackend]) -> None:
    import base64

    from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope, sign_envelope

    entry = {
        "id": P256.keyid,
        "alg": "ecdsa-p256-sha256",
        "public": base64.b64encode(P256.public.spki).decode(),
        "purpose": "record",
    }

    def change(payload: Any) -> None:
        payload["keys"].append(dict(entry))
        payload["principals"][4]["keys"].append(P256.keyid)  # sam's

    world.next_root(change)
    payload = parse_envelope(world.approval(role="security", by="mallory"), "r").payload
    signer = open_signer("awskms:x", environ={}, public=P256.public)
    found = world.verify(sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [signer]).to_bytes())
    assert (found.principal, found.keyid) == ("sam", P256.keyid)


def library_public(name: str = "alice") -> Key:
    return library_key(key_of(name).public)


def test_local_signer_is_a_signer_of_the_library(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", PEM.decode())
    for uri in (f"file:{key_file}", "envvar:SIGNING_KEY"):
        signer = LocalSigner.from_priv_key_uri(uri, library_public())
        assert isinstance(signer, Signer)
        signature = signer.sign(b"message")
        assert signature.keyid == signer.public_key.keyid == key_of("alice").keyid
        signer.public_key.verify_signature(signature, b"message")
        check(ForeignSigner(signer, key_of("alice").public), key_of("alice").public)


def test_local_signer_serves_the_librarys_dispatch(key_file: Path) -> None:
    SIGNER_FOR_URI_SCHEME["file"] = LocalSigner
    try:
        signer = Signer.from_priv_key_uri(f"file:{key_file}", library_public())
    finally:
        del SIGNER_FOR_URI_SCHEME["file"]
    assert isinstance(signer, LocalSigner)


def test_local_signer_asks_for_the_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    path.write_bytes(key_of("alice").to_pem(b"horse"))
    path.chmod(0o600)
    signer = LocalSigner.from_priv_key_uri(f"file:{path}", library_public(), lambda name: {"passphrase": "horse"}[name])
    assert signer.sign(b"m").signature == key_of("alice").sign(b"m").hex()


def test_local_signer_of_an_open_key_takes_an_empty_passphrase(key_file: Path) -> None:
    signer = LocalSigner.from_priv_key_uri(f"file:{key_file}", library_public(), lambda _: "")
    assert signer.public_key.keyid == key_of("alice").keyid


def test_local_signer_refuses_another_key_or_scheme(key_file: Path) -> None:
    with refused("trust.bad-signer-uri"):
        LocalSigner.from_priv_key_uri(f"file:{key_file}", library_public("bob"))
    with refused("trust.bad-signer-uri"):
        LocalSigner.from_priv_key_uri(f"file2:{key_file}", library_public())


def test_library_and_cryptography_are_imported_only_when_used() -> None:
    code = (
        "import sys; import bspec_opa.trust.authority, bspec_opa.trust.signers, bspec_opa.trust.starter, "
        "bspec_opa.trust.walk, bspec_opa.trust.author; bspec_opa.trust.starter.starter_root(); "
        "print([m for m in ('securesystemslib', 'cryptography', 'requests', 'jsonschema') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
