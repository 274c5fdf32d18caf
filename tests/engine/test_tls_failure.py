"""Every way in which TLS fails has its own sentence and remedy, and OpenSSL's words are in none of them."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from bspec_opa.engine.address import parse_address
from bspec_opa.engine.credentials import Credentials
from bspec_opa.engine.tls_failure import tls_failure
from bspec_opa.foundation.errors import ExitCode

ADDRESS = parse_address("https://opa.example.com")
NOTHING, CA, OURS = Credentials(), Credentials(ca=Path("ca.pem")), Credentials(cert=Path("gate.pem"))
SECRET = "s3cret"
RAW = re.compile(r"_ssl|ssl/|tlsv1|sslv3|alert|unknown ca|bad certificate|version number|verify failed", re.IGNORECASE)

LOG = "look at the server's log"
THEIRS = "the server's certificate"
BOTH = f"{THEIRS}, or its authority's,"
REFUSED = "the server refuses our certificate (engine.cert)"
WEAK = (f"{BOTH} has a weak key or signature", "give it a stronger one")
PUBLIC = (f"{THEIRS} is not from a publicly known authority", "name its authority with engine.ca")
GIVEN = (f"{THEIRS} is not from an authority in engine.ca", "add the one that issued it there")
NAMES = "write a name of its subjectAltName into engine.url, or add this one there"
CODES = {
    **{(code, NOTHING): PUBLIC for code in (2, 18, 19, 20, 21)},
    **{(code, CA): GIVEN for code in (2, 18, 19, 20, 21)},
    (9, CA): (f"{BOTH} is not valid yet", "wait, or correct this machine's clock"),
    (10, CA): (f"{BOTH} has expired", "renew it, or correct this machine's clock"),
    (26, CA): (f"{THEIRS} is not made for servers", "give the server one with the usage serverAuth"),
    (62, CA): (f"{THEIRS} is not for the host opa.example.com", NAMES),
    (64, CA): (f"{THEIRS} is not for the address opa.example.com", NAMES),
    (66, CA): WEAK,
    (67, CA): WEAK,
    (68, CA): WEAK,
    (24, CA): (f"{THEIRS} breaks a rule (number 24)", "openssl verify explains it"),
}
WANTED = ("the server wants a client certificate", "give engine.cert and engine.key")
PLAIN = ("no TLS there", "perhaps it is http://")
OLD = ("the server offers no TLS of version 1.2 or later", "let it offer 1.2 or 1.3")
FAILED = ("the handshake failed", LOG)
OFF = ("the server broke the handshake off", "perhaps it wants a client certificate: engine.cert and engine.key")
REASONS = {
    ("WRONG_VERSION_NUMBER", NOTHING): PLAIN,
    ("HTTP_REQUEST", NOTHING): PLAIN,
    ("wrong version number", OURS): PLAIN,
    ("UNKNOWN_PROTOCOL", NOTHING): PLAIN,
    ("PACKET_LENGTH_TOO_LONG", NOTHING): PLAIN,
    ("TLSV1_ALERT_PROTOCOL_VERSION", NOTHING): OLD,
    ("UNSUPPORTED_PROTOCOL", OURS): OLD,
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", NOTHING): WANTED,
    ("SSLV3_ALERT_BAD_CERTIFICATE", NOTHING): WANTED,
    ("ssl/tls alert bad certificate", NOTHING): WANTED,
    ("SSLV3_ALERT_HANDSHAKE_FAILURE", NOTHING): OFF,
    ("SSLV3_ALERT_HANDSHAKE_FAILURE", OURS): FAILED,
    ("TLSV1_ALERT_UNKNOWN_CA", NOTHING): FAILED,
    ("TLSV1_ALERT_UNKNOWN_CA", OURS): (f"{REFUSED}: not from an authority that it knows", LOG),
    ("SSLV3_ALERT_BAD_CERTIFICATE", OURS): (f"{REFUSED}: not from an authority that it knows, or not made for clients", LOG),
    ("SSLV3_ALERT_CERTIFICATE_EXPIRED", OURS): (f"{REFUSED}: it has expired, or is not valid yet", LOG),
    ("SSLV3_ALERT_CERTIFICATE_REVOKED", OURS): (f"{REFUSED}: it was revoked", LOG),
    ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", OURS): (f"{REFUSED}: it is of a kind that it doesn't take", LOG),
    ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", OURS): (f"{REFUSED}: it doesn't say why", LOG),
    ("TLSV1_ALERT_ACCESS_DENIED", OURS): (f"{REFUSED}: it may not come in", LOG),
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", OURS): (f"{REFUSED}: it was not taken", LOG),
    (SECRET, OURS): FAILED,
    ("", NOTHING): FAILED,
}  # fmt: skip


def told(error: ssl.SSLError, credentials: Credentials) -> tuple[str, str]:
    found = tls_failure(error, ADDRESS, credentials)
    assert (found.code, found.exit_code) == ("engine.untrusted-server", ExitCode.ENGINE)
    assert not RAW.search(str(found))
    assert SECRET not in str(found)
    prefix = f"no trusted connection to {ADDRESS}: "
    assert found.problems[0].message.startswith(prefix)
    return found.problems[0].message.removeprefix(prefix), found.problems[0].hint


@pytest.mark.attack("A57")
@pytest.mark.parametrize(("code", "credentials"), CODES)
def test_a_certificate_that_proves_nothing(code: int, credentials: Credentials) -> None:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {SECRET} (_ssl.c:1)")
    error.verify_code, error.verify_message, error.reason = code, SECRET, "CERTIFICATE_VERIFY_FAILED"
    assert told(error, credentials) == CODES[code, credentials]


@pytest.mark.attack("A57")
@pytest.mark.attack("A71")
@pytest.mark.parametrize(("reason", "credentials"), REASONS)
def test_a_handshake_that_fails(reason: str, credentials: Credentials) -> None:
    error = ssl.SSLError(1, f"[SSL: {reason}] {SECRET} (_ssl.c:1)")
    error.reason = reason
    assert told(error, credentials) == REASONS[reason, credentials]


def test_a_reason_that_python_doesnt_know() -> None:
    assert told(ssl.SSLError(1, SECRET), NOTHING) == FAILED
