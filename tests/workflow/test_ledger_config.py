"""Which ledger is meant, where file, variables and flags name a directory or a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.errors import UsageError
from bspec_opa.workflow.checkout.config import FILE_NAME, load_config
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from pathlib import Path

URL, PATH = "ledger.url", "ledger.path"
REMOTE = "postgresql://gate@db.example/ledger"


def test_sqlites_file_is_named_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('ledger.url = "sqlite:///state/l.sqlite"\n', encoding="utf-8")
    project = find_project(tmp_path, {}, {})
    assert project.database is not None
    assert project.database.path == f"{tmp_path}/state/l.sqlite"
    assert find_project(tmp_path, {}, {PATH: "x"}).database is None


@pytest.mark.parametrize(
    ("filed", "environ", "flags", "wanted"),
    [
        (f'ledger.url = "{REMOTE}"', {}, {}, (REMOTE, None)),
        (f'ledger.url = "{REMOTE}"', {"BSPEC_OPA_LEDGER_URL": "sqlite:///v"}, {}, ("sqlite:///v", None)),
        (f'ledger.url = "{REMOTE}"', {"BSPEC_OPA_LEDGER_PATH": "v"}, {}, (None, "v")),
        (f'ledger.url = "{REMOTE}"', {}, {PATH: "f"}, (None, "f")),
        ("", {"BSPEC_OPA_LEDGER_URL": "sqlite:///v"}, {PATH: "f"}, (None, "f")),
        ("", {"BSPEC_OPA_LEDGER_PATH": "v"}, {URL: "sqlite:///f"}, ("sqlite:///f", None)),
        ("", {"BSPEC_OPA_LEDGER_URL": "postgresql://u:sesame@h/d"}, {}, ("postgresql://u:sesame@h/d", None)),
        ("", {}, {}, (None, None)),
    ],
)
def test_who_names_a_ledger_nearer_names_the_only_one(
    tmp_path: Path, filed: str, environ: dict[str, str], flags: dict[str, str], wanted: tuple[str | None, str | None]
) -> None:
    (tmp_path / FILE_NAME).write_text(filed, encoding="utf-8")
    found = load_config(tmp_path, environ, flags)
    assert (found.text(URL), found.text(PATH)) == wanted
    assert (URL in found.from_checkout) == (wanted[0] == REMOTE)


@pytest.mark.parametrize(
    ("filed", "environ", "flags"),
    [
        (f'ledger.url = "{REMOTE}"\nledger.path = "x"', {}, {}),
        ("", {"BSPEC_OPA_LEDGER_URL": REMOTE, "BSPEC_OPA_LEDGER_PATH": "x"}, {}),
        ("", {}, {URL: REMOTE, PATH: "x"}),
    ],
)
def test_two_ledgers_in_one_place_are_refused(
    tmp_path: Path, filed: str, environ: dict[str, str], flags: dict[str, str]
) -> None:
    (tmp_path / FILE_NAME).write_text(filed, encoding="utf-8")
    with pytest.raises(UsageError, match="name two ledgers") as caught:
        _ = find_project(tmp_path, environ, flags).database
    assert caught.value.code == "config.bad-value"


@pytest.mark.attack("A71")
@pytest.mark.parametrize("place", [FILE_NAME, "the flags"])
def test_a_password_in_a_shared_file_or_on_the_command_line_is_refused_and_not_repeated(
    tmp_path: Path, place: str
) -> None:
    url = "postgresql://gate:sesame@db.example/ledger"
    (tmp_path / FILE_NAME).write_text(f'ledger.url = "{url}"' if place == FILE_NAME else "", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_config(tmp_path, {}, {} if place == FILE_NAME else {URL: url})
    assert caught.value.code == "ledger.url-password"
    assert place in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.attack("A75")
def test_a_checkout_names_no_file_of_the_user_to_libpq(tmp_path: Path) -> None:
    text = f'ledger.url = "{REMOTE}?passfile=/home/u/.pgpass"'
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"is not taken in bspec-opa\.toml"):
        _ = find_project(tmp_path, {}, {}).database
    given = find_project(tmp_path, {"BSPEC_OPA_LEDGER_URL": f"{REMOTE}?passfile=/home/u/.pgpass"}, {}).database
    assert given is not None
    assert given.options == {"passfile": "/home/u/.pgpass"}
