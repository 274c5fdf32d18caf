from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_an_empty_directory_has_notes_and_remedies(shell_at: At) -> None:
    result = shell_at("empty").ok("doctor")
    assert result.lines[0].startswith("NOT AUTHENTICATED  ")
    assert ": 0 bad, 1 warning, " in result.lines[0]
    assert (
        f"{'':<29}→ run bspec-opa trust init, then set BSPEC_OPA_TRUST_PIN or give --trust-pin: it prints the pin"
        in result.lines
    )
    assert f"{'':<29}→ run bspec-opa init ." in result.lines


def test_a_project_in_use(shell_at: At) -> None:
    document = shell_at("staged").ok("doctor", "--format", "json").json
    assert {f["subject"]: f["state"] for f in document["findings"]} == dict.fromkeys(
        (
            *("versions", "project", "bundle", "pin", "trust root", "ledger", "clock", "memory", "lock"),
            *("engine (staging)", "engine (production)"),
        ),
        "ok",
    )


def test_a_cut_ledger_is_bad_and_repaired_only_when_asked(shell_at: At) -> None:
    shell = shell_at("staged")
    log = Path(".bspec/ledger/log.jsonl")
    log.write_bytes(log.read_bytes() + b'{"at":')
    broken = shell("doctor")
    assert broken.code == 7
    assert broken.lines[0].startswith("NOT READY  ")
    assert log.read_bytes().endswith(b'{"at":')
    shell("doctor", "--repair-ledger")
    assert shell("doctor").code == 0


def test_a_bad_configuration_is_the_only_thing_said(shell_at: At) -> None:
    shell = shell_at("ready")
    Path("bspec-opa.toml").write_text("[engine]\nurll = 'x'\n", encoding="utf-8")
    result = shell("doctor")
    assert result.code == 2
    assert 'did you mean "engine.url"?' in result.out + result.err


def test_the_locks_are_verified(shell_at: At) -> None:
    shell = shell_at("staged")
    Path("package.lock").write_text("another tool's", encoding="utf-8")
    found = shell.ok("doctor", "--format", "json").json["findings"]
    (lock,) = [f for f in found if f["subject"] == "lock"]
    assert (lock["state"], lock["message"]) == ("ok", "behavior.lock: verified, 1 of billing-support's lines")
    text = Path("behavior.lock").read_text(encoding="utf-8")
    Path("behavior.lock").write_text(text.replace('"payload":"', '"payload":"e'), encoding="utf-8")
    result = shell("doctor", "--format", "json")
    assert result.code == 7
    assert [f["state"] for f in result.json["findings"] if f["subject"] == "lock"] == ["bad"]


def test_without_a_pin_a_lock_is_said_to_be_unverified(shell_at: At) -> None:
    shell = shell_at("staged")
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    found = {f["subject"]: f for f in shell.ok("doctor", "--format", "json").json["findings"]}
    assert (found["lock"]["state"], found["lock"]["remedy"]) == ("note", "give --trust-pin")
    pin = found["pin"]
    assert (pin["state"], pin["code"]) == ("warn", "trust.no-pin")
    assert "nothing here is authenticated" in pin["message"]
    assert pin["remedy"].startswith("set BSPEC_OPA_TRUST_PIN or give --trust-pin")
    assert shell.ok("doctor").lines[0].startswith("NOT AUTHENTICATED  ")
