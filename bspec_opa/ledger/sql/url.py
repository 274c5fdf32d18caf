"""Where a ledger's database is: ``sqlite:///PATH`` or ``postgresql://USER@HOST/DATABASE``. Pure.

A URL may stand in a checkout's file, in a variable and in messages. So what is shown never has its password, and what
comes from a checkout can't name files of the user or weaken the connection (attacks A57, A71).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from bspec_opa.ledger.sql.reasons import URL_FORM, URL_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
DIALECTS = (SQLITE, POSTGRESQL)
_SCHEMES = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "postgresql+psycopg": POSTGRESQL}
_SQLITE_PREFIX = "sqlite:///"
# Parameters of libpq that are taken; the rest of them can name other hosts, files and options.
HARMLESS = frozenset({"host", "application_name", "target_session_attrs"})
PRIVATE = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "passfile"})
_SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
_EXAMPLE = "write sqlite:///PATH or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """An address, taken apart.

    Attributes:
        dialect: ``sqlite`` or ``postgresql``.
        path: SQLite's file; empty for PostgreSQL.
        host: name, address or the directory of the server's socket; empty where libpq knows it.
        port: 0 for the usual one.
        user: empty where libpq knows it.
        password: empty where it stands elsewhere; never shown.
        database: PostgreSQL's database.
        options: further parameters of libpq.
        from_checkout: whether whoever writes the checkout wrote it: then no password may be sent there unseen.
    """

    dialect: str
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    from_checkout: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether it is reached over a network."""
        return bool(self.host) and not self.host.startswith("/") and self.host not in {"localhost", "127.0.0.1", "::1"}

    @property
    def shown(self) -> str:
        """The address as messages name it: without the password and the parameters."""
        if self.dialect == SQLITE:
            return self.path
        user = f"{quote(self.user)}@" if self.user else ""
        host = quote(self.host, safe="") if self.host.startswith("/") else self.host
        port = f":{self.port}" if self.port else ""
        return f"postgresql://{user}{host}{port}/{quote(self.database)}"


def parse_url(text: str, *, from_checkout: bool = False) -> DatabaseUrl:
    """An address from its text.

    Args:
        text: the URL; it is not repeated in errors, since it may have a password.
        from_checkout: whether whoever writes the checkout wrote it.

    Raises:
        UsageError: another form, a parameter that is not taken, or a password from a checkout.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or 0
    except ValueError as e:
        raise URL_FORM.error("the ledger's URL has another form", hint=_EXAMPLE) from e
    dialect = _SCHEMES.get(parts.scheme)
    if dialect is None or "://" not in text or parts.fragment:
        raise URL_FORM.error("the ledger's URL names neither SQLite nor PostgreSQL", hint=_EXAMPLE)
    if dialect == SQLITE:
        return _sqlite(text, parts)
    if from_checkout and parts.password is not None:
        require_no_password(text, "bspec-opa.toml")
    options = _options(parts.query, HARMLESS if from_checkout else HARMLESS | PRIVATE)
    database = unquote(parts.path[1:])
    if not database or "/" in database:
        raise URL_FORM.error("the ledger's URL names no database", hint=_EXAMPLE)
    host = options.pop("host", "") or (parts.hostname or "")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return DatabaseUrl(dialect, "", host, port, user, password, database, options, from_checkout)


def require_no_password(text: str, place: str) -> None:
    """Refuse a password where others read it.

    Raises:
        UsageError: the URL has one.
    """
    try:
        found = urlsplit(text).password is not None
    except ValueError:
        found = "@" in text
    if found:
        raise URL_PASSWORD.error(f"the ledger's URL of {place} has a password", hint=URL_PASSWORD.remedy)


def rebased(text: str, base: Path) -> str:
    """The URL with SQLite's path taken relative to a directory."""
    if not text.startswith(_SQLITE_PREFIX):
        return text
    return _SQLITE_PREFIX + str(base / text.removeprefix(_SQLITE_PREFIX))


def _sqlite(text: str, parts: SplitResult) -> DatabaseUrl:
    path = text.removeprefix(_SQLITE_PREFIX)
    if parts.netloc or parts.query or not text.startswith(_SQLITE_PREFIX):
        raise URL_FORM.error("a URL of SQLite has three slashes, a path and nothing else", hint="write sqlite:///PATH")
    if not path or ":memory:" in path or path.endswith("/"):
        raise URL_FORM.error("the URL of SQLite names no file", hint="write sqlite:///PATH")
    return DatabaseUrl(SQLITE, str(Path(path)))


def _options(query: str, allowed: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in allowed or name in found or not value:
            known = ", ".join(sorted(allowed))
            where = " in bspec-opa.toml" if name in PRIVATE else ""
            raise URL_FORM.error(f"parameter {name[:40]!r} is not taken{where}", hint=f"taken once each: {known}")
        found[name] = value
    mode = found.get("sslmode")
    if mode is not None and mode not in _SSL_MODES:
        raise URL_FORM.error("the sslmode is none that is taken", hint=f"one of {', '.join(_SSL_MODES)}")
    return found
