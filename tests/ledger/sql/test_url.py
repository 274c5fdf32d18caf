from __future__ import annotations

from pathlib import Path

import pytest

from bspec_opa.foundation.errors import ExitCode, UsageError
from bspec_opa.ledger.sql.database import Database
from bspec_opa.ledger.sql.url import DatabaseUrl, parse_url, rebased, require_no_password

REMOTE = DatabaseUrl("postgresql", "", "db.example", 6432, "gate", "", "ledger")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sqlite:///a/b.sqlite", DatabaseUrl("sqlite", "a/b.sqlite")),
        ("sqlite:////a/b.sqlite", DatabaseUrl("sqlite", "/a/b.sqlite")),
        ("postgresql://gate@db.example:6432/ledger", REMOTE),
        ("postgresql+psycopg://gate@db.example:6432/ledger", REMOTE),
        (
            "postgresql://g%40te:p%2Fw@/l%20x?host=%2Fvar%2Frun",
            DatabaseUrl("postgresql", "", "/var/run", 0, "g@te", "p/w", "l x"),
        ),
        (
            "postgresql://[::1]/x?sslmode=require&sslcert=c",
            DatabaseUrl("postgresql", "", "::1", 0, "", "", "x", {"sslmode": "require", "sslcert": "c"}),
        ),
    ],
)
def test_an_address_is_taken_apart(text: str, wanted: DatabaseUrl) -> None:
    assert parse_url(text) == wanted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:///a/b.sqlite", "a/b.sqlite"),
        ("postgresql://gate:sesame@db.example:6432/ledger?sslmode=require", "postgresql://gate@db.example:6432/ledger"),
        ("postgresql:///l?host=%2Fvar%2Frun", "postgresql://%2Fvar%2Frun/l"),
    ],
)
@pytest.mark.attack("A71")
def test_what_is_shown_has_no_password(text: str, shown: str) -> None:
    found = parse_url(text)
    assert found.shown == shown
    assert "sesame" not in repr(found)


BAD = (
    "",
    "ledger.sqlite",
    "mysql://u:sesame@h/d",
    "postgres://u:sesame@h/d",
    "sqlite://sesame/x",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:///a/",
    "sqlite:///a?mode=sesame",
    "sqlite:a",
    "postgresql:u:sesame@h/d",
    "postgresql://u:sesame@h",
    "postgresql://u:sesame@h/",
    "postgresql://u:sesame@h/a/b",
    "postgresql://u:sesame@h/d#x",
    "postgresql://u:sesame@h:port/d",
    "postgresql://[u:sesame@h/d",
    "postgresql://u:sesame@h/d?options=-c%20x",
    "postgresql://u:sesame@h/d?service=x",
    "postgresql://u@h/d?password=sesame",
    "postgresql://u:sesame@h/d?sslmode=prefer",
    "postgresql://u:sesame@h/d?sslmode=require&sslmode=disable",
    "postgresql://u:sesame@h/d?passfile=",
)


@pytest.mark.attack("A71")
@pytest.mark.parametrize("text", BAD)
def test_another_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(text)
    assert caught.value.code == "ledger.url-form"
    assert "sesame" not in str(caught.value)


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("postgresql://u:sesame@h/d", "ledger.url-password"),
        ("postgresql://u:@h/d", "ledger.url-password"),
        ("postgresql://u@h/d?passfile=/home/u/.pgpass", "ledger.url-form"),
        ("postgresql://u@h/d?sslkey=/home/u/key", "ledger.url-form"),
        ("postgresql://u@h/d?sslmode=disable", "ledger.url-form"),
    ],
)
def test_a_checkout_names_no_files_no_password_and_no_weaker_connection(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(text, from_checkout=True)
    assert caught.value.code == code
    assert "sesame" not in str(caught.value)
    assert parse_url("postgresql://u@h/d?host=%2Ftmp", from_checkout=True).host == "/tmp"


def test_a_password_in_what_is_no_url_is_found(tmp_path: Path) -> None:
    for text in ("postgresql://[u:sesame@h/d", "postgresql://u:sesame@h/d"):
        with pytest.raises(UsageError, match="of a file has a password") as caught:
            require_no_password(text, "a file")
        assert caught.value.exit_code == ExitCode.USAGE
    require_no_password("postgresql://u@h/d", "a file")
    require_no_password("postgresql://[u", "a file")


def test_sqlites_path_is_relative_to_the_file_that_names_it() -> None:
    assert rebased("sqlite:///a.db", Path("/p/q")) == "sqlite:////p/q/a.db"
    assert rebased("sqlite:////a.db", Path("/p/q")) == "sqlite:////a.db"
    assert rebased("postgresql://h/d", Path("/p/q")) == "postgresql://h/d"


@pytest.mark.attack("A57")
@pytest.mark.parametrize(
    ("text", "variables", "wanted"),
    [
        ("postgresql://u@h/d", {}, {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("postgresql://u@h/d", {"PGSSLROOTCERT": "/ca"}, {"sslmode": "verify-full", "sslrootcert": "/ca"}),
        ("postgresql://u@h/d", {"PGSSLMODE": "disable"}, {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("postgresql://u@h/d?sslrootcert=/own", {}, {"sslmode": "verify-full", "sslrootcert": "/own"}),
        ("postgresql://u@h/d?sslmode=disable", {}, {"sslmode": "disable"}),
        ("postgresql://u@127.0.0.1/d", {}, {}),
        ("postgresql://u@/d?host=%2Ftmp", {}, {}),
    ],
)
def test_a_network_is_crossed_only_to_the_host_that_proves_its_name(
    text: str, variables: dict[str, str], wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = Database(parse_url(text), wait_s=5).conninfo()
    assert {k: v for k, v in found.items() if k.startswith("ssl")} == wanted


@pytest.mark.attack("A71")
def test_a_password_of_the_environment_is_not_sent_where_a_checkout_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "sesame")
    database = Database(parse_url("postgresql://u@127.0.0.1:1/d", from_checkout=True), wait_s=5)
    with pytest.raises(UsageError) as caught, database.connection():
        raise AssertionError
    assert caught.value.code == "ledger.url-password"
    assert "sesame" not in str(caught.value)
    assert Database(parse_url("postgresql://u@127.0.0.1:1/d"), wait_s=5).conninfo()["user"] == "u"
