"""Publishers of bundles for tests: keys, signatures that may be wrong in one way, and a real OPA's opinion."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.signing.hashing import file_hash
from bspec_opa.bundle.signing.keys import SigningKey
from bspec_opa.bundle.signing.token import Claims, make_signatures
from bspec_opa.trust.publisher import Publisher, publisher_key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_780_000_000
SHIPPED = Path(__file__).parents[1] / "bundles" / "default.tar.gz"


def key(name: str = "one", algorithm: str = "ES256") -> SigningKey:
    """The key of that name, made once a process."""
    return _made(name, algorithm)


@cache
def _made(name: str, algorithm: str) -> SigningKey:
    native: Any
    if algorithm == "ES256":
        native = ec.generate_private_key(ec.SECP256R1())
    else:
        native = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return SigningKey(publisher_key_of(native.public_key(), f"key-{name}"), native)


def publisher(signer: SigningKey | None = None, **members: Any) -> Publisher:
    return Publisher("security", (signer or key()).public, **members)


def write_keys(folder: Path, signer: SigningKey) -> tuple[Path, Path]:
    """Private and public PEM files."""
    private, public = folder / f"{signer.public.id}.pem", folder / f"{signer.public.id}.pub.pem"
    private.touch(mode=0o600)
    private.write_bytes(signer.native.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    public.write_bytes(signer.native.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def members(archive: bytes) -> dict[str, bytes]:
    return read_tar(decompress(archive))


def packed(files: Mapping[str, bytes]) -> bytes:
    return compress(write_tar(files))


def sign(
    archive: bytes, signer: SigningKey | None = None, *, sequence: int = 7, at: int = NOW, scope: str = ""
) -> bytes:
    """A bundle with a signature as we make it."""
    files = members(archive)
    return packed(files | {SIGNATURES: make_signatures(files, signer or key(), Claims(sequence, at, scope))})


def listed(files: Mapping[str, bytes]) -> list[dict[str, str]]:
    return [{"name": n, "hash": file_hash(n, d), "algorithm": "SHA-256"} for n, d in files.items() if n != SIGNATURES]


def token(payload: Mapping[str, Any], signer: SigningKey | None = None, header: Mapping[str, Any] | None = None) -> str:
    """A genuinely signed token over any payload, with members of the header besides."""
    own = signer or key()
    headers = {"kid": own.public.id, **(header or {})}
    return jwt.PyJWS().encode(json.dumps(payload).encode(), own.native, own.public.algorithm, headers=headers)


def signatures(payload: Mapping[str, Any], signer: SigningKey | None = None, **more: Any) -> bytes:
    return json.dumps({"signatures": [token(payload, signer)], **more}).encode()


def unsigned_token(header: Mapping[str, Any], payload: Any, signature: bytes = b"") -> str:
    parts = [*(json.dumps(p).encode() for p in (header, payload)), signature]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)


@dataclass(frozen=True)
class RealOpa:
    """The program, and what it says of signed bundles."""

    path: Path
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([str(self.path), *arguments], cwd=self.folder, env={}, capture_output=True, check=False)

    def accepts(self, archive: bytes, signer: SigningKey | None = None, scope: str = "") -> bool:
        """Whether it loads a bundle under a key that it was given."""
        own = signer or key()
        _, public = write_keys(self.folder, own)
        (self.folder / "asked.tar.gz").write_bytes(archive)
        given = ("--verification-key", str(public), "--signing-alg", own.public.algorithm)
        scoped = ("--scope", scope) if scope else ()
        named = ("--verification-key-id", own.public.id)
        done = self.run("build", *given, *named, *scoped, "-b", "asked.tar.gz", "-o", "out.tar.gz")
        said = done.stdout + done.stderr
        assert done.returncode == 0 or b"load error: bundle asked.tar.gz" in said, said
        return done.returncode == 0

    def sign(self, archive: bytes, claims: Mapping[str, Any], signer: SigningKey | None = None) -> bytes:
        """The ``.signatures.json`` of ``opa sign``."""
        own = signer or key()
        private, _ = write_keys(self.folder, own)
        (self.folder / "sign.tar.gz").write_bytes(archive)
        (self.folder / "claims.json").write_text(json.dumps(claims), encoding="utf-8")
        given = ("--signing-key", str(private), "--signing-alg", own.public.algorithm)
        done = self.run("sign", "-b", "sign.tar.gz", *given, "--claims-file", "claims.json", "-o", ".")
        assert done.returncode == 0, done.stderr
        return (self.folder / SIGNATURES).read_bytes()

    def build(self, files: Mapping[str, bytes], signer: SigningKey | None = None, *more: str) -> bytes:
        """The bundle that ``opa build --signing-key`` makes of a folder."""
        own = signer or key()
        private, _ = write_keys(self.folder, own)
        for name, data in files.items():
            path = self.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        given = ("--signing-key", str(private), "--signing-alg", own.public.algorithm)
        arguments = [str(self.path), "build", "-b", ".", *given, *more, "-o", str(self.folder / "built.tar.gz")]
        done = subprocess.run(arguments, cwd=self.folder / "tree", env={}, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return (self.folder / "built.tar.gz").read_bytes()


def loosely_packed(files: Mapping[str, bytes], path: Path) -> bytes:
    """An archive as any tar program makes one."""
    import io

    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path.read_bytes()
