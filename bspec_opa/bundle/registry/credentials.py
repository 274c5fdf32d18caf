"""Who we are to a registry. Only what was named is read: no file in a home directory, no helper program."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.registry.reasons import BAD_CREDENTIALS
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import KIB

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonValue

MAX_CREDENTIALS_BYTES = 256 * KIB
MAX_PASSWORD_BYTES = 16 * KIB


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password or token; never printed."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"


def read_login(host: str, *, user: str | None, password_file: Path | None, config: Path | None) -> Login | None:
    """The login for a registry, or None if nothing was named.

    Args:
        host: the registry, as in the reference.
        user: with ``password_file``.
        password_file: one line.
        config: in the form of Docker's ``config.json``; its ``auths`` only.

    Raises:
        UsageError: half a login, two of them, an unreadable file, or none for this host in it.
    """
    if config is not None and (user is not None or password_file is not None):
        raise BAD_CREDENTIALS.error("two logins are given", hint="leave out --credentials, or --user")
    if config is not None:
        return _from_config(host, config)
    if user is None and password_file is None:
        return None
    if user is None or password_file is None or not user or ":" in user:
        raise BAD_CREDENTIALS.error("a login is a user and a password", hint="give --user and --password-file")
    text = _read(password_file, MAX_PASSWORD_BYTES).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not text or not text.isprintable():
        raise BAD_CREDENTIALS.error(
            "the file holds no password", hint="write one line", at=Location(str(password_file))
        )
    return Login(user, text)


def _from_config(host: str, path: Path) -> Login:
    at = Location(str(path))
    try:
        value = parse_json(_read(path, MAX_CREDENTIALS_BYTES), str(path), text=False, limit=MAX_CREDENTIALS_BYTES)
    except BspecError as e:
        if e.code == BAD_CREDENTIALS.code:
            raise
        raise BAD_CREDENTIALS.error("is no JSON", hint="give one like docker login writes", at=at) from None
    auths = value.get("auths") if isinstance(value, dict) else None
    entry = auths.get(host) if isinstance(auths, dict) else None
    if not isinstance(entry, dict):
        helped = isinstance(value, dict) and bool({"credsStore", "credHelpers"} & value.keys())
        hint = "credential helpers are not run: let one write its login into auths" if helped else "log in there first"
        raise BAD_CREDENTIALS.error(f"has no login for {host} in auths", hint=hint, at=at)
    login = _decoded(entry.get("auth"))
    if login is None:
        raise BAD_CREDENTIALS.error(f"the login for {host} has no auth in Base64", hint="log in again", at=at)
    return login


def _decoded(auth: JsonValue) -> Login | None:
    try:
        user, separator, password = base64.b64decode(str(auth), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Login(user, password) if separator and user and password.isprintable() else None


def _read(path: Path, limit: int) -> bytes:
    """Links are followed: this is how Kubernetes mounts secrets. What was given is not repeated if it is no file."""
    try:
        return read_bounded(path.resolve(), limit)
    except (BspecError, ValueError, OSError):
        at = Location(str(path)) if os.path.lexists(path) else None
        raise BAD_CREDENTIALS.error("the credentials' file can't be read", hint="correct the path", at=at) from None
