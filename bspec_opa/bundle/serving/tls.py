"""The server's certificate, its key, and the authorities of its clients; read again when one of the files changes."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from bspec_opa.bundle.serving.reasons import BAD_CREDENTIALS
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MIB

MAX_PEM_BYTES = 16 * MIB


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths only.

    Attributes:
        cert: the certificate and those between it and its authority, PEM.
        key: its private key, PEM without a passphrase; may be in ``cert``.
        client_ca: who may sign the certificates that clients then have to show; without it nobody is asked for one.
    """

    cert: Path
    key: Path | None = None
    client_ca: Path | None = None

    def read(self) -> tuple[bytes, ...]:
        """The bytes of each file, to see whether one has changed.

        Raises:
            UsageError: one can't be read.
        """
        return tuple(_read(p) for p in (self.cert, self.key, self.client_ca) if p is not None)

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later.

        Raises:
            UsageError: a file can't be used, or key and certificate don't belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.read()  # OpenSSL opens by name, and would wait for a pipe.
        try:
            # An empty passphrase keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(self.cert, self.key, password="")
        except (OSError, ValueError) as e:
            raise self._unusable(getattr(e, "reason", None) or "") from None
        if self.client_ca is not None:
            _demand_clients(context, self.client_ca)
        return context

    def _unusable(self, reason: str) -> BspecError:
        holder = self.key or self.cert
        if reason.endswith("MISMATCH"):
            message = f"the key belongs to another certificate than the one in {self.cert}"
            return BAD_CREDENTIALS.error(message, hint="give the key that was made with it", at=Location(str(holder)))
        message = f"{self.cert} and {holder} are no certificate with its private key"
        return BAD_CREDENTIALS.error(message, hint="give both as PEM, the key without a passphrase and not a weak one")


def _demand_clients(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(cadata=_read(authorities).decode("ascii", "ignore"))
    except (OSError, ValueError) as e:
        hint = "give the authority's certificate, as PEM"
        raise BAD_CREDENTIALS.error("holds no certificate", hint=hint, at=Location(str(authorities))) from e
    context.verify_mode = ssl.CERT_REQUIRED


def _read(path: Path) -> bytes:
    try:
        return read_bounded(Path(os.path.realpath(path)), MAX_PEM_BYTES)
    except (BspecError, ValueError) as e:
        hint = "name a regular file that this user may read"
        raise BAD_CREDENTIALS.error("can't be read", hint=hint, at=Location(str(path))) from e
