"""``ledger head``, and what promote, verify, trust show and doctor say of head statements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from bspec_opa.foundation.times import format_time
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.trust.dsse import parse_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
HEAD = Path(".bspec/ledger/head.json")
DEMANDED = "head: {keys: [keys/head.pub.pem], environments: [staging]}\n"
PROMOTE = ("promote", "behavior.intent", "--env", "staging")


def fits(found: Any) -> Any:
    """A document that fits its schema."""
    name = found["schema"].removeprefix("bspec.").replace("/", ".")
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(published).iter_errors(found)) == []
    return found


@pytest.fixture
def demanding(shell_at: At) -> Shell:
    shell = shell_at("signed")
    shell.ok("key", "generate", "keys/head.pem", "-q")
    with Path("trust.yaml").open("a", encoding="utf-8") as file:
        file.write(DEMANDED)
    shell.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")
    return shell


def test_from_a_demand_to_a_lock_that_is_shown_to_be_current(demanding: Shell) -> None:
    keyid = demanding.ok("key", "show", "keys/head.pub.pem", "--format", "json").json["keyid"]
    shown = demanding.ok("trust", "show").out
    assert f"  head      demanded in staging, signed by key {keyid[:12]}, at most 1 hour ago\n" in shown
    assert fits(demanding.ok("trust", "show", "--format", "json").json)["head"] == {
        "environments": ["staging"],
        "max_lifetime_s": 3600,
        "skew_s": 300,
        "keys": [{"keyid": keyid, "revoked": False}],
    }
    refused = demanding(*PROMOTE)
    assert (refused.code, refused.err.endswith("[head.missing]\n")) == (7, True)
    demanding.ok("ledger", "head", "--key", "keys/head.pem", "--begin", "-q")
    done = fits(demanding.ok(*PROMOTE, "--head-key", "keys/head.pem", "--format", "json").json)
    assert (done["head"], done["head_notes"]) == (str(HEAD), [])
    until = format_time(demanding.now + 3600)
    assert (
        f"  current by the head statement of {format_time(demanding.now)}, valid until {until}\n"
        in demanding.ok("verify").out
    )
    currency = fits(demanding.ok("verify", "--format", "json").json)["currency"]
    assert currency == {
        "by": "head",
        "tree_size": done["entry"] + 1,
        "issued": format_time(demanding.now),
        "expires": until,
    }
    made = fits(demanding.ok("ledger", "head", "--check", str(HEAD), "--format", "json").json)
    assert SCHEMAS.keys() >= {made["schema"]}
    assert (made["written"], made["tree_size"], [h["line"] for h in made["heads"]]) == (
        False,
        made["ledger_tree_size"],
        [done["line"]],
    )
    fits(json.loads(parse_envelope(HEAD.read_bytes(), "head").payload))
    memory = Path(demanding.home, ".local", "state", "bspec-opa")
    (seen,) = memory.glob("head-*.json")
    seen.unlink()
    assert f"head statement valid until {until}" in demanding("doctor").out
    assert not seen.exists()  # it only looks
    # An hour later it is an old one: named elsewhere, it is demanded all the same.
    demanding.now += 3600
    late = demanding("verify")
    assert (late.code, "[head.expired]" in late.err) == (7, True)
    assert "head.expired" in demanding("doctor", "--format", "json").out
    written = demanding.ok(
        "ledger", "head", "--key", "keys/head.pem", "--write", "published.json", "--valid-for", "PT1H"
    )
    assert written.lines[0] == "WROTE  published.json"
    assert written.lines[4] == f"  line      billing-support in staging  {done['line'][:19]}…"
    demanding.ok("verify", "--head", "published.json", "-q")


def test_where_it_is_not_demanded(shell_at: At) -> None:
    shell = shell_at("staged")
    assert shell.ok("verify").lines[-1] == "  note    currency was not shown: no head statement is demanded or given"
    missing = shell("verify", "--head", "nowhere.json")
    assert (missing.code, missing.err.startswith("nowhere.json: there is no head statement; ")) == (7, True)
    for wrong in (("--check", "x", "--begin"), ("--check", "x", "--key", "k"), ("--write", "")):
        assert shell("ledger", "head", *wrong).code == 2
    assert shell("ledger", "head", "--key", "keys/ledger.pem").err.endswith("[head.none-known]\n")


def test_a_checkout_does_not_say_where_the_statement_is_written(shell_at: At) -> None:
    shell = shell_at("staged")
    Path("bspec-opa.toml").write_text('[ledger]\nhead = "../elsewhere.json"\n', encoding="utf-8")
    refused = shell("verify")
    assert (refused.code, "ledger.head lies outside the project" in refused.err) == (2, True)
