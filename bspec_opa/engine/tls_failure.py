"""Why a TLS connection failed: a sentence and a remedy for each cause. OpenSSL's own words are never shown."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from bspec_opa.engine.deadline import reason_of
from bspec_opa.engine.reasons import TLS

if TYPE_CHECKING:
    from bspec_opa.engine.address import Address
    from bspec_opa.engine.credentials import Credentials
    from bspec_opa.foundation.errors import BspecError

Told = tuple[str, str]
"""What is wrong, and what to do."""

# X509_V_ERR_* of OpenSSL's x509_vfy.h, as ``ssl.SSLCertVerificationError.verify_code`` has them.
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
_OTHER_HOST = {62: "host", 64: "address"}
_WEAK = ("the server's certificate, or its authority's, has a weak key or signature", "give it a stronger one")
_BROKEN: dict[int, Told] = {
    9: ("the server's certificate, or its authority's, is not valid yet", "wait, or correct this machine's clock"),
    10: ("the server's certificate, or its authority's, has expired", "renew it, or correct this machine's clock"),
    26: ("the server's certificate is not made for servers", "give the server one with the usage serverAuth"),
    66: _WEAK,
    67: _WEAK,
    68: _WEAK,
}
# Alerts of RFC 8446, section 6, and OpenSSL's own reasons, as ``ssl.SSLError.reason`` ends.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
_OLD = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")
_WANTS_OURS = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE")
_REFUSES_OURS = {
    "ALERT_UNKNOWN_CA": "not from an authority that it knows",
    "ALERT_BAD_CERTIFICATE": "not from an authority that it knows, or not made for clients",
    "ALERT_CERTIFICATE_EXPIRED": "it has expired, or is not valid yet",
    "ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "ALERT_UNSUPPORTED_CERTIFICATE": "it is of a kind that it doesn't take",
    "ALERT_CERTIFICATE_UNKNOWN": "it doesn't say why",
    "ALERT_ACCESS_DENIED": "it may not come in",
    "CERTIFICATE_REQUIRED": "it was not taken",
}
_LOG = "look at the server's log"


def tls_failure(error: ssl.SSLError, address: Address, credentials: Credentials) -> BspecError:
    """The error to raise for one of OpenSSL's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words, hint = _verification(getattr(error, "verify_code", 0), address.host, named=credentials.ca is not None)
    else:
        words, hint = _handshake(reason_of(error), shown=credentials.cert is not None)
    return TLS.error(f"no trusted connection to {address}: {words}", hint=hint)


def _verification(code: int, host: str, *, named: bool) -> Told:
    """The names in another host's certificate are not told: Python gives them only after a handshake that succeeded."""
    if code in _UNKNOWN_AUTHORITY and named:
        return "the server's certificate is not from an authority in engine.ca", "add the one that issued it there"
    if code in _UNKNOWN_AUTHORITY:
        return "the server's certificate is not from a publicly known authority", "name its authority with engine.ca"
    if code in _OTHER_HOST:
        hint = "write a name of its subjectAltName into engine.url, or add this one there"
        return f"the server's certificate is not for the {_OTHER_HOST[code]} {host}", hint
    return _BROKEN.get(code, (f"the server's certificate breaks a rule (number {code})", "openssl verify explains it"))


def _handshake(reason: str, *, shown: bool) -> Told:
    if reason.endswith(_NO_TLS):
        return "no TLS there", "perhaps it is http://"
    if reason.endswith(_OLD):
        return "the server offers no TLS of version 1.2 or later", "let it offer 1.2 or 1.3"
    if shown:
        for alert, why in _REFUSES_OURS.items():
            if reason.endswith(alert):
                return f"the server refuses our certificate (engine.cert): {why}", _LOG
    elif reason.endswith(_WANTS_OURS):
        return "the server wants a client certificate", "give engine.cert and engine.key"
    elif reason.endswith("HANDSHAKE_FAILURE"):
        return "the server broke the handshake off", "perhaps it wants a client certificate: engine.cert and engine.key"
    return "the handshake failed", _LOG
