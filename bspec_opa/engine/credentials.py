"""Files with which a server and we prove ourselves to each other: authorities, client certificate, bearer token."""

from __future__ import annotations

import os
import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.engine.deadline import TlsSocket
from bspec_opa.engine.reasons import BAD_CREDENTIALS
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import KIB, MIB

if TYPE_CHECKING:
    from bspec_opa.engine.address import Address

MAX_TOKEN_BYTES = 16 * KIB
MAX_PEM_BYTES = 16 * MIB
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1


@dataclass(frozen=True, slots=True)
class Credentials:
    """Paths only; their content is read when it is used and never kept in a message.

    Attributes:
        ca: the authorities that may sign the server's certificate, PEM. Without it those that ``certifi`` ships;
            the system's are found through environment variables and therefore not used (attack A58).
        cert: our certificate, PEM.
        key: its private key, PEM without a passphrase; may be in ``cert``.
        token_file: a bearer token; read for every request, so that it may be renewed.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token_file: Path | None = None


def check_use(credentials: Credentials, address: Address) -> None:
    """Refuse credentials that would not be used, or would be given away.

    Raises:
        UsageError: TLS files without https, a key without certificate, a token in clear text over a network.
    """
    tls = (credentials.ca, credentials.cert, credentials.key)
    if address.scheme != "https" and any(f is not None for f in tls):
        raise BAD_CREDENTIALS.error("a CA, certificate or key is given, but the engine URL is not https")
    if credentials.key is not None and credentials.cert is None:
        raise BAD_CREDENTIALS.error("a client key is given without its certificate")
    if credentials.token_file is not None and address.scheme == "http" and not address.local:
        raise BAD_CREDENTIALS.error("a token would cross the network in the clear", hint="use https")


def tls_context(credentials: Credentials) -> ssl.SSLContext:
    """TLS 1.2 or later, host names checked, exactly the given authorities.

    Raises:
        UsageError: a file that can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TlsSocket
    try:
        context.load_verify_locations(cadata=_authorities(credentials.ca))
    except (OSError, ValueError, BspecError) as e:
        raise _unusable(credentials.ca, "authorities") from e
    if credentials.cert is not None:
        try:
            # OpenSSL opens these by name, and would wait for a pipe.
            for path in (credentials.cert, credentials.key or credentials.cert):
                _read(path)
            # An empty passphrase keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(credentials.cert, credentials.key, password="")
        except (OSError, ValueError, BspecError) as e:
            raise _unusable(credentials.cert, "client certificate and unencrypted key") from e
    return context


def _authorities(ca: Path | None) -> str:
    """PEM text; what is between the certificates may be in any language."""
    if ca is not None:
        return _read(ca).decode("ascii", "ignore")
    import certifi

    return certifi.contents()


def _read(path: Path) -> bytes:
    """A file's bytes. Links are followed: this is how Kubernetes mounts what it renews."""
    return read_bounded(Path(os.path.realpath(path)), MAX_PEM_BYTES)


def _unusable(path: Path | None, what: str) -> BspecError:
    return BAD_CREDENTIALS.error(f"can't be used as {what}", at=Location(str(path)))


def exposed(credentials: Credentials) -> list[Path]:
    """The token and the private key, if every user of this machine may read them.

    They are used all the same: Kubernetes mounts secrets in this way unless it is told otherwise.
    """
    secrets = (credentials.token_file, credentials.key or credentials.cert)
    return [path for path in secrets if path is not None and _mode(path) & stat.S_IROTH]


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0  # Whoever uses it says so.


def read_token(path: Path) -> str:
    """The token in a file; one line end behind it doesn't count.

    Raises:
        UsageError: unreadable, or no token.
    """
    try:
        # Links are followed: this is how Kubernetes mounts tokens that it renews.
        data = read_bounded(Path(os.path.realpath(path)), MAX_TOKEN_BYTES)
    except BspecError as e:
        raise BAD_CREDENTIALS.error("the token file can't be read", at=Location(str(path))) from e
    text = data.decode("latin-1").removesuffix("\n").removesuffix("\r")
    if not _TOKEN.fullmatch(text):
        raise BAD_CREDENTIALS.error("holds no bearer token (RFC 6750)", at=Location(str(path)))
    return text
