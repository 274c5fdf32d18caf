"""Verbs on a ledger in a database, and a ledger's way from files into databases and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.ledger.sql.ddl import read_ddl
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from postgres import Server
    from shell import Shell

    At = Callable[[str], Shell]

URL = "BSPEC_OPA_LEDGER_URL"
KEY = ("--ledger-key", "keys/ledger.pem")
INTENT = "behavior.intent"


def test_every_verb_of_a_promotion_works_on_a_database(shell_at: At) -> None:
    shell = shell_at("signed")
    shell.variables[URL] = "sqlite:///gate/ledger.sqlite"
    shell.ok("evaluate", INTENT, "--env", "staging")
    assert not Path("gate").exists()  # deciding writes nothing
    shell.ok("record", INTENT)
    shell.promote()
    assert "VERIFIED" in shell.ok("verify", "behavior.lock").out
    shell.ok("explain", "entry:6")
    shell.ok("report", "behavior.lock")
    shell.ok("policy", "impact", "default")
    shell.ok("attest", INTENT, "--env", "staging", "--result", "results/boundary-functional.json", "-q")
    assert "entries; gate/ledger.sqlite" in shell("doctor").out
    assert "entries; gate/ledger.sqlite" in shell("doctor", "--repair-ledger").out
    assert shell.ok("ledger", "verify").lines[0] == "VERIFIED  ledger gate/ledger.sqlite"
    shell.ok("ledger", "export", "public")
    assert not Path(".bspec/ledger").exists()


def test_a_ledger_moves_into_databases_and_back_with_the_same_tree_head(
    shell_at: At, postgres: Server, tmp_path: Path
) -> None:
    shell = shell_at("staged")
    remote = postgres.url(postgres.fresh())
    head = shell.ok("ledger", "verify", "--format", "json").json
    moves = (
        (".bspec/ledger", "--ledger-url", "sqlite:///a.sqlite"),
        ("sqlite:///a.sqlite", "--ledger-url", remote),
        (remote, "--ledger-path", "back"),
    )
    for source, *target in moves:
        moved = shell.ok("ledger", "import", source, *target, *KEY, "--format", "json").json
        assert violations(SCHEMAS["bspec.ledger-import/v1"], moved) == []
        assert (moved["root_hash"], moved["new_entries"]) == (head["root_hash"], head["tree_size"])
        again = shell.ok("ledger", "import", source, *target, *KEY, "--format", "json").json
        assert (again["root_hash"], again["new_entries"]) == (head["root_hash"], 0)
    assert Path("back/log.jsonl").read_bytes() == Path(".bspec/ledger/log.jsonl").read_bytes()
    named = shell.ok("ledger", "verify", remote, "--format", "json").json
    assert named["place"].startswith("postgresql://gate@")
    assert named["root_hash"] == head["root_hash"]
    result = shell("ledger", "verify", "postgresql://gate:sesame@db.example/x")
    assert (result.code, "[ledger.url-password]" in result.err, "sesame" in result.err) == (2, True, False)
    postgres.give_back()


def test_init_makes_the_tables_once(shell_at: At, postgres: Server) -> None:
    shell = shell_at("ready")
    owner = postgres.url(postgres.copy("template0"), "boss")
    made = shell.ok("ledger", "init", "--ledger-url", owner)
    place = owner.partition("?")[0].replace("boss@/", "boss@" + str(postgres.directory).replace("/", "%2F") + "/")
    assert made.lines == [
        f"MADE  a ledger's tables in {place}",
        "  gates     GRANT bspec_ledger_writer TO …",
        "  auditors  GRANT bspec_ledger_reader TO …",
    ]
    assert shell.ok("ledger", "init", "--ledger-url", owner).lines == [
        f"THERE  a ledger's tables are in {place} already"
    ]
    shell.variables[URL] = owner
    found = shell.ok("ledger", "init", "--format", "json").json
    assert (violations(SCHEMAS["bspec.ledger-init/v1"], found), found["made"]) == ([], False)
    del shell.variables[URL]
    assert "[ledger.no-database]" in shell("ledger", "init").err
    assert shell.ok("ledger", "init", "--ledger-url", "sqlite:///x/l.db").lines == ["MADE  a ledger's tables in x/l.db"]
    postgres.give_back()


def test_ddl_prints_what_an_owner_runs(shell_at: At, postgres: Server) -> None:
    shell = shell_at("empty")
    script = shell.ok("ledger", "ddl").out
    assert script == read_ddl("postgresql")
    assert shell.ok("ledger", "ddl", "--dialect", "sqlite").out == read_ddl("sqlite")
    found = shell.ok("ledger", "ddl", "--format", "json").json
    assert (violations(SCHEMAS["bspec.ledger-ddl/v1"], found), found["script"]) == ([], script)
    with psycopg.connect(host=str(postgres.directory), user="boss", dbname=postgres.copy("template0")) as owner:
        owner.execute(script)
        tables = owner.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'bspec_ledger'")
        assert {name for (name,) in tables} == {"entries", "nodes", "checkpoints"}
    postgres.give_back()


@pytest.mark.attack("A71")
def test_an_address_that_is_wrong_is_told_without_its_password(shell_at: At) -> None:
    shell = shell_at("signed")
    shell.variables[URL] = "postgresql://gate:sesame@127.0.0.1:1/ledger"
    result = shell("promote", INTENT, "--env", "staging")
    assert (result.code, "[ledger.unreachable]" in result.err) == (9, True)
    assert "postgresql://gate@127.0.0.1:1/ledger" in result.err
    shell.variables[URL] = "postgres://gate:sesame@127.0.0.1:1/ledger"
    other = shell("evaluate", INTENT, "--env", "staging")
    assert (other.code, "[ledger.url-form]" in other.err) == (2, True)
    assert "sesame" not in result.out + result.err + other.out + other.err


@pytest.mark.parametrize("missing", ["sqlalchemy", "psycopg"])
def test_without_the_extra_it_says_what_to_install(shell_at: At, missing: str) -> None:
    shell = shell_at("ready")
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from bspec_opa.cli.main import main\n"
        "sys.exit(main(['ledger', 'init', '--ledger-url', 'postgresql://u@127.0.0.1:1/d']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=shell.environ, check=False, capture_output=True, text=True
    )
    assert (done.returncode, "[ledger.sql-missing]" in done.stderr) == (2, True), done.stderr
    assert "pip install 'bspec-opa[sql]'" in done.stderr


def test_another_host_is_told_what_it_lacks_and_goes_on_when_it_has_it(shell_at: At) -> None:
    """The database is in common, the documents are files."""
    shell = shell_at("live")
    shell.ok("ledger", "import", ".bspec/ledger", "--ledger-url", "sqlite:///common.sqlite", *KEY, "-q")
    shell.variables["BSPEC_OPA_LEDGER_URL"] = "sqlite:///common.sqlite"
    Path(".bspec/objects").rename("elsewhere")
    lock = Path("behavior.lock").read_bytes()
    needed = ("the intent", "the input of its decision", "the bundle", "the catalog entry of billing_read_api")
    said = shell("verify")
    assert (said.code, "[ledger.object-missing]" in said.err) == (7, True)
    assert all(f"{what} sha256:" in said.err for what in needed)
    assert "copy .bspec/objects from where it was promoted" in said.err
    shell.now += 60
    refused = shell("promote", INTENT, "--env", "production")
    # What is promoted is the intent of the current line: so much is there again.
    lacking = "ledger entry 12: can't be proven, for this is not stored here: the input of its decision sha256:"
    assert (refused.code, refused.err.startswith(lacking)) == (7, True)
    assert Path("behavior.lock").read_bytes() == lock
    assert shell.ok("ledger", "verify").code == 0
    for document in Path("elsewhere/sha256").iterdir():
        Path(".bspec/objects/sha256").mkdir(parents=True, exist_ok=True)
        (Path(".bspec/objects/sha256") / document.name).write_bytes(document.read_bytes())
    shell.ok("verify")
    assert shell.ok("promote", INTENT, "--env", "production").lines[0].startswith("CURRENT")
