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
from bspec_opa.trust.key_names import shown_key_name

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
        message = "a CA, certificate or key is given, but the engine URL is not https"
        raise BAD_CREDENTIALS.error(message, hint="write https://, or leave them out")
    if credentials.key is not None and credentials.cert is None:
        message = "a client key (engine.key) is given without its certificate"
        raise BAD_CREDENTIALS.error(message, hint="give engine.cert")
    if credentials.token_file is not None and address.scheme == "http" and not address.local:
        raise BAD_CREDENTIALS.error("a token would cross the network in the clear", hint="use https")


def tls_context(credentials: Credentials) -> ssl.SSLContext:
    """TLS 1.2 or later, host names checked, exactly the given authorities.

    A certificate has to name its hosts in its subjectAltName; the common name is for people (RFC 9525, section 2).

    Raises:
        UsageError: a file that can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.sslsocket_class = TlsSocket
    context.load_verify_locations(cadata=_authorities(credentials.ca))
    if credentials.cert is not None:
        _load_ours(context, credentials.cert, credentials.key)
    return context


def _authorities(ca: Path | None) -> str:
    """PEM text of at least one certificate; what is between the certificates may be in any language."""
    if ca is None:
        import certifi

        return certifi.contents()
    text = _read(ca, "the CA file (engine.ca)").decode("ascii", "ignore")
    if not _has_certificate(text):
        raise _unusable(ca, "the CA file (engine.ca) holds no certificate", "give the authority's, as PEM")
    return text


def _has_certificate(pem: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (OSError, ValueError):
        return False
    return True


def _load_ours(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    # OpenSSL opens these by name, and would wait for a pipe.
    ours = _read(cert, "the certificate (engine.cert)")
    secret = _read(key, "the key (engine.key)") if key is not None else ours
    try:
        # An empty passphrase keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as e:
        raise _why_not_ours(cert, key, ours, secret, getattr(e, "reason", None) or "") from None


def _why_not_ours(cert: Path, key: Path | None, ours: bytes, secret: bytes, reason: str) -> BspecError:
    if not _has_certificate(ours.decode("ascii", "ignore")):
        return _unusable(cert, "the certificate (engine.cert) holds none", "give ours, as PEM")
    if reason.endswith(("TOO_SMALL", "TOO_WEAK")):
        return _unusable(cert, "the certificate (engine.cert) has a weak key or signature", "give a stronger one")
    if key is None and b"PRIVATE KEY-----" not in secret:
        return _unusable(cert, "the certificate (engine.cert) comes without its key", "give engine.key")
    holder = key or cert
    option = "engine.key" if key is not None else "engine.cert"
    if reason.endswith("MISMATCH"):
        message = f"the key ({option}) belongs to another certificate than the one in engine.cert"
        return _unusable(holder, message, "give the key that was made with it")
    if b"PRIVATE KEY-----" in secret and b"ENCRYPTED" in secret:
        message = f"the key ({option}) has a passphrase, and nobody is asked for one"
        return _unusable(holder, message, "write it without: openssl pkey -in KEY -out NEW")
    return _unusable(holder, f"the key ({option}) holds no private key that can be read", "give one, as PEM")


def _read(path: Path, what: str) -> bytes:
    data = _bytes(path, MAX_PEM_BYTES)
    if data is not None:
        return data
    if not os.path.lexists(path):
        raise _unusable(path, f"{what} is not found", "correct the path")
    hint = f"name a regular file of at most {MAX_PEM_BYTES // MIB} MiB that this user may read"
    raise _unusable(path, f"{what} can't be read", hint)


def _bytes(path: Path, limit: int) -> bytes | None:
    """A file's bytes. Links are followed: this is how Kubernetes mounts what it renews."""
    try:
        return read_bounded(Path(os.path.realpath(path)), limit)
    except (BspecError, ValueError):
        return None  # Whoever asked says why; not even in a traceback is there what was given as a path.


def _unusable(path: Path, message: str, hint: str) -> BspecError:
    return BAD_CREDENTIALS.error(message, hint=hint, at=_place(path))


def _place(path: Path) -> Location | None:
    """Where a file is, without detours; None for what may be a secret that was given in place of its file."""
    text = str(path)
    if not os.path.lexists(path) and (not text.isprintable() or shown_key_name(text) != text):
        return None
    short = os.path.normpath(path)
    # Behind a link, ".." is another place than it looks.
    return Location(short if os.path.realpath(short) == os.path.realpath(path) else text)


def exposed(credentials: Credentials) -> list[Path]:
    """The token and the private key, if every user of this machine may read them.

    They are used all the same: Kubernetes mounts secrets in this way unless it is told otherwise.
    """
    secrets = (credentials.token_file, credentials.key or credentials.cert)
    return [path for path in secrets if path is not None and _mode(path) & stat.S_IROTH]


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0  # Whoever uses it says so.


def read_token(path: Path) -> str:
    """The token in a file; one line end behind it doesn't count.

    The name of a file that doesn't exist is not repeated: it may be the token itself (attack A71).

    Raises:
        UsageError: unreadable, or no token.
    """
    data = _bytes(path, MAX_TOKEN_BYTES)
    if data is None and not os.path.lexists(path):
        message = "the file named by engine.token_file is not found"
        raise BAD_CREDENTIALS.error(message, hint="give the path of a file that holds the token, not the token itself")
    if data is None:
        hint = f"name a regular file of at most {MAX_TOKEN_BYTES} bytes that this user may read"
        raise _unusable(path, "the token file (engine.token_file) can't be read", hint)
    text = data.decode("latin-1").removesuffix("\n").removesuffix("\r")
    if not _TOKEN.fullmatch(text):
        message = f"the token file (engine.token_file) {_why_no_token(text)}"
        raise _unusable(path, message, "write one line, the token alone, without 'Bearer '")
    return text


def _why_no_token(text: str) -> str:
    if not text.strip():
        return "is empty"
    if "\n" in text or "\r" in text:
        return "has several lines"
    if text.lower().startswith("bearer "):
        return "begins with 'Bearer '"
    return "holds no bearer token (RFC 6750)"
