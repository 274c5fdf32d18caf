from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

LOG = Path(".bspec/ledger/log.jsonl")
KEY = ("--ledger-key", "keys/ledger.pem")


def test_verify_shows_what_held(shell_at: At) -> None:
    shell = shell_at("live")
    result = shell.ok("ledger", "verify")
    head = shell.ok("ledger", "verify", "--format", "json").json
    assert violations(SCHEMAS["bspec.ledger-verification/v1"], head) == []
    assert result.lines == [
        "VERIFIED  ledger .bspec/ledger",
        f"  origin  {head['origin']}",
        "  holds   13 entries under a signed checkpoint, the last of 2026-06-01T12:00:00Z",
        f"  root    {head['root_hash']}",
    ]
    assert (head["kind"], head["tree_size"], head["notes"]) == ("ledger", 13, [])


def test_verify_names_the_first_bad_entry(shell_at: At) -> None:
    shell = shell_at("live")
    lines = LOG.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"2026-06-01T12:00:00Z", b"2026-06-01T11:00:00Z")
    LOG.write_bytes(b"".join(lines))
    result = shell("ledger", "verify")
    assert result.code == 7
    assert "log.jsonl:5: entry 4 was sequenced before entry 3 ahead of it" in result.err
    lines[4] = lines[5]
    LOG.write_bytes(b"".join(lines))
    assert "entry 5 stands where 4 belongs" in shell("ledger", "verify").err


def test_verify_needs_a_pin_and_something_to_verify(shell_at: At) -> None:
    shell = shell_at("live")
    shutil.rmtree(".bspec/ledger")
    result = shell("ledger", "verify")
    assert (result.code, "[ledger.none]" in result.err) == (2, True)
    result = shell("ledger", "verify", "nowhere")
    assert (result.code, "[ledger.none]" in result.err) == (2, True)
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    result = shell("ledger", "verify")
    assert (result.code, "[trust.no-pin]" in result.err) == (7, True)


@pytest.mark.attack("A55")
def test_an_older_ledger_is_refused_and_an_older_copy_is_said_to_be_one(shell_at: At) -> None:
    shell = shell_at("staged")
    shell.ok("ledger", "export", "public")
    shutil.copytree(".bspec/ledger", "older")
    shell.sign("production")
    shell.promote("production")
    for copy in ("older", "public"):
        assert "  note    it is an older copy: " in "\n".join(shell.ok("ledger", "verify", copy).lines)
    result = shell("ledger", "import", "older", "--ledger-path", "elsewhere", *KEY)
    assert (result.code, "[ledger.rolled-back]" in result.err) == (7, True)
    assert not Path("elsewhere").exists()
    shutil.rmtree(".bspec/ledger")
    shutil.copytree("older", ".bspec/ledger")
    result = shell("ledger", "verify")
    assert (result.code, "[ledger.rolled-back]" in result.err) == (7, True)


def test_an_export_is_verified_by_whoever_has_the_pin(shell_at: At) -> None:
    shell = shell_at("live")
    result = shell.ok("ledger", "export", "public", "--format", "json").json
    assert violations(SCHEMAS["bspec.ledger-export/v1"], result) == []
    assert (result["target"], result["tree_size"], result["new_files"]) == ("public", 13, 3)
    verified = shell.ok("ledger", "verify", "public")
    assert verified.lines[0] == "VERIFIED  export public"
    again = shell.ok("ledger", "export", "public")
    assert again.lines[0] == "EXPORTED  public, 1 new file"
    tile = Path("public/tile/0/000.p/13")
    hashes = tile.read_bytes()
    for wrong in (hashes[:-32], bytes(len(hashes))):
        tile.write_bytes(wrong)
        result = shell("ledger", "verify", "public")
        assert (result.code, result.err.startswith("public/tile/0/000.p/13: ")) == (7, True)
    tile.write_bytes(hashes)
    bundle = Path("public/tile/entries/000.p/13")
    bundle.write_bytes(bundle.read_bytes()[:-1])
    result = shell("ledger", "verify", "public")
    assert (result.code, "entry 12 is missing" in result.err) == (7, True)


def test_a_ledger_is_moved_and_comes_back_with_the_same_head(shell_at: At) -> None:
    shell = shell_at("live")
    before = LOG.read_bytes()
    head = shell.ok("ledger", "verify", "--format", "json").json
    moved = shell.ok("ledger", "import", ".bspec/ledger", "--ledger-path", "elsewhere", *KEY, "--format", "json").json
    assert violations(SCHEMAS["bspec.ledger-import/v1"], moved) == []
    assert (moved["root_hash"], moved["new_entries"]) == (head["root_hash"], 13)
    shell.ok("ledger", "export", "public", "--ledger-path", "elsewhere")
    shutil.rmtree(".bspec/ledger")
    result = shell.ok("ledger", "import", "public", *KEY)
    assert result.lines[0] == "IMPORTED  public into .bspec/ledger, 13 new entries"
    assert LOG.read_bytes() == before
    shell.ok("verify")
    shell.ok("ledger", "import", "public", *KEY)


def test_an_import_needs_a_ledger_key(shell_at: At) -> None:
    shell = shell_at("live")
    result = shell("ledger", "import", ".bspec/ledger", "--ledger-path", "elsewhere", "--ledger-key", "keys/gate.pem")
    assert (result.code, "[ledger.checkpoint-signature]" in result.err) == (7, True)
    assert not Path("elsewhere").exists()
