from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_a_key_and_its_public_half(shell_at: At) -> None:
    shell = shell_at("empty")
    made = shell.ok("key", "generate", "keys/me.pem", "--format", "json").json
    shown = shell.ok("key", "show", "keys/me.pem", "--format", "json").json
    assert made["keyid"] == shown["keyid"]
    assert made["file"] == "keys/me.pub.pem"
    assert shell.ok("key", "show", "keys/me.pub.pem").lines == [
        f"keyid     {made['keyid']}",
        "algorithm ed25519",
        "file      keys/me.pub.pem",
    ]
    assert Path("keys/me.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(shell_at: At) -> None:
    shell = shell_at("empty")
    shell.ok("key", "generate", "me.pem")
    before = Path("me.pem").read_bytes()
    assert shell("key", "generate", "me.pem").code in {2, 9}
    assert Path("me.pem").read_bytes() == before


def test_an_encrypted_key_needs_its_passphrase(shell_at: At) -> None:
    shell = shell_at("empty")
    assert shell("key", "generate", "me.pem", "--passphrase").code == 2
    shell.variables["BSPEC_OPA_PASSPHRASE"] = "correct horse"
    shell.ok("key", "generate", "me.pem", "--passphrase")
    shell.ok("key", "show", "me.pem")
    shell.variables["BSPEC_OPA_PASSPHRASE"] = "wrong"
    assert shell("key", "show", "me.pem").code in {3, 7}


def test_the_pin_comes_last_and_as_a_command(shell_at: At) -> None:
    shell = shell_at("bare")
    shell.ok("init", ".", "--trial-keys", "-q")
    result = shell.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem")
    assert result.lines[0] == "SIGNED  trust root of billing-support, version 1"
    pin = next(line.split()[1] for line in result.lines if line.startswith("  pin "))
    assert result.lines[-1] == f"next  export BSPEC_OPA_TRUST_PIN={pin}"


def test_a_second_root_is_refused(shell_at: At) -> None:
    result = shell_at("ready")("trust", "init", "trust.yaml", "--key", "keys/root.pem", "--format", "json")
    assert (result.code, result.json["problems"][0]["code"]) == (2, "trust.root-exists")


def test_show_tells_verified_from_not(shell_at: At) -> None:
    shell = shell_at("ready")
    verified = shell.ok("trust", "show")
    assert verified.lines[0].startswith("VERIFIED  ")
    assert f"  pin       {shell.pin()}" in verified.lines
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    unverified = shell.ok("trust", "show")
    assert unverified.lines[0].startswith("NOT VERIFIED  ")
    assert "export" not in unverified.out
    assert unverified.lines[-1] == (
        "  note      compare this digest with the pin that you were given; do not take the pin from here"
    )


@pytest.mark.attack("A16")
def test_an_expired_root_is_refused_until_it_is_renewed(shell_at: At) -> None:
    shell = shell_at("signed")
    shell.now += 400 * 86_400
    assert shell("promote", "behavior.intent", "--env", "staging").code == 7
    document = shell.ok("trust", "renew", "--key", "keys/root.pem", "--valid-for", "P30D", "--format", "json").json
    assert (document["version"], document["pin"]) == (2, shell.pin())
    assert shell("evaluate", "behavior.intent", "--env", "staging").code in {4, 5}


def test_renew_in_text(shell_at: At) -> None:
    shell = shell_at("ready")
    shell.now += 60
    result = shell.ok("trust", "renew", "--key", "keys/root.pem")
    assert result.lines[0] == "RENEWED  trust root of billing-support, version 2"


def test_a_root_with_revocations_and_owners_is_shown_whole(shell_at: At) -> None:
    shell = shell_at("bare")
    shell.ok("init", ".", "--trial-keys", "-q")
    trust = Path("trust.yaml")
    keyid = shell.ok("key", "show", "keys/security.pem", "--format", "json").json["keyid"]
    text = trust.read_text(encoding="utf-8")
    trust.write_text(f"{text}revoked:\n  - {{key: keys/security.pub.pem, reason: left}}\n", encoding="utf-8")
    result = shell("trust", "init", "trust.yaml", "--key", "keys/root.pem")
    assert f"  revoked   key {keyid[:19]}…  left" in result.lines, result.err
