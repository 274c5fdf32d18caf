"""Certificates for tests: authorities made here, what they sign, and TLS servers that show it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority of a test, with files for what it signs."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = directory / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = self._builder(self.name, self.key.public_key()).add_extension(basic, critical=True)
        self._write(self.file, builder.add_extension(usage, critical=True))

    def issue(
        self, *names: str, passphrase: bytes = b"", days: tuple[int, int] = (-1, 1), alternative: bool = True
    ) -> tuple[Path, Path]:
        """Files of a certificate for hosts and addresses, and of its key; valid between these days from now.

        The first name is the common name, too; without ``alternative`` that is all it has.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.directory / f"{'-'.join(names)}-{self.file.stem}.pem"
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        hosts = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
        builder = self._builder(subject, key.public_key(), *days)
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        self._write(path, builder)
        encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        key_path = path.with_suffix(".key")
        key_path.touch(mode=0o600)
        key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
        return path, key_path

    def weak(self) -> tuple[Path, Path]:
        """Files of a certificate whose key is too short for TLS, and of that key."""
        key = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - it is to be refused
        path = self.directory / f"weak-{self.file.stem}.pem"
        self._write(path, self._builder(self.name, key.public_key()))
        key_path = path.with_suffix(".key")
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return path, key_path

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, begin: int = -1, end: int = 1
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin * DAY)
            .not_valid_after(now + end * DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )

    def _write(self, path: Path, builder: x509.CertificateBuilder) -> None:
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def serving(pair: tuple[Path, Path], clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
