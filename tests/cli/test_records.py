"""submit, attest, approve, request and record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shell import fill_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

STAGING = ("behavior.intent", "--env", "staging")
RESULT = "results/boundary-functional.json"


def test_a_submit_is_followed_by_the_first_environment(shell_at: At) -> None:
    result = shell_at("bound").ok("submit", "behavior.intent")
    assert result.lines[0] == "SUBMITTED  billing-support   (by author)"
    assert result.lines[-1] == "next  bspec-opa evaluate behavior.intent --env staging"
    file = Path(result.lines[2].removeprefix("  file      "))
    assert file.is_file()
    assert result.lines[1] == f"  record    sha256:{file.stem}"


def test_an_attestation(shell_at: At) -> None:
    shell = shell_at("bound")
    fill_result(Path(RESULT), shell.now)
    document = shell.ok("attest", *STAGING, "--result", RESULT, "--format", "json").json
    record = document["record"]
    assert (record["type"], record["principal"], record["role"]) == ("evidence", "evaluator", "evaluator")
    assert document["next"] == ["bspec-opa evaluate behavior.intent --env staging"]


def test_the_template_as_it_was_written_is_no_evidence(shell_at: At) -> None:
    result = shell_at("bound")("attest", *STAGING, "--result", RESULT)
    assert result.code == 3
    assert result.err.startswith(f"{RESULT}:")
    assert not Path(".bspec/records/evidence").exists()


def test_an_approver_is_shown_what_is_signed(shell_at: At) -> None:
    shell = shell_at("bound")
    result = shell.ok(
        "approve", *STAGING, "--role", "environment-admin", "--key", "keys/environment-admin.pem", "--valid-for", "PT2H"
    )
    assert result.lines[0] == "APPROVED  billing-support → staging   (by environment-admin)"
    assert "billing-support 1.0.0 to staging\n" in result.err
    assert "\nview sha256:" in result.err
    assert "\nwarning   global.tools.unbounded_range" in result.err


def test_a_reject_is_shown_to_the_next_approver_and_denies(shell_at: At) -> None:
    shell = shell_at("signed")
    key = ("--role", "environment-admin", "--key", "keys/environment-admin.pem")
    shell.now += 60
    rejected = shell.ok("approve", *STAGING, *key, "--reject", "--reason", "no probe")
    assert rejected.lines[0].startswith("REJECTED  billing-support → staging")
    assert (
        "rejected  by environment-admin" in shell.ok("approve", *STAGING, *key, "--reject", "--reason", "none yet").err
    )
    result = shell("evaluate", *STAGING)
    assert result.code == 4
    assert "promotion.all.no_reject" in result.out
    assert "  note      environment-admin rejected it as environment-admin: none yet" in result.lines


def test_quiet_still_signs(shell_at: At) -> None:
    shell = shell_at("bound")
    result = shell.ok("approve", *STAGING, "--role", "environment-admin", "--key", "keys/environment-admin.pem", "-q")
    assert (result.out, result.err) == ("", "")
    assert len(list(Path(".bspec/records/approval").iterdir())) == 1


def test_a_denial_is_shown_to_the_approver(shell_at: At) -> None:
    shell = shell_at("bare")
    intent = Path("behavior.intent")
    intent.write_text(
        intent.read_text(encoding="utf-8").replace("privilege: read", "privilege: admin"), encoding="utf-8"
    )
    shell.make_ready()
    shell.bind()
    result = shell.ok("approve", *STAGING, "--role", "environment-admin", "--key", "keys/environment-admin.pem")
    assert "\ndenied    global.tools.no_admin" in result.err


def test_the_wrong_key_is_a_trust_failure(shell_at: At) -> None:
    result = shell_at("bound")("submit", "behavior.intent", "--key", "keys/promoter.pem")
    assert result.code == 7
    assert result.err.endswith("[trust.role-not-granted]\n")


def test_no_key_is_a_usage_error(shell_at: At) -> None:
    result = shell_at("bound")("approve", *STAGING, "--role", "environment-admin")
    assert result.code == 2
    assert "[signing.no-key]" in result.err


@pytest.mark.parametrize("verb", ["submit", "record"])
def test_nobody_signs_without_a_pin(shell_at: At, verb: str) -> None:
    shell = shell_at("bound")
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    result = shell(verb, "behavior.intent")
    assert result.code == 7
    assert "[trust.no-pin]" in result.err


def test_record_says_what_went_in_and_what_did_not(shell_at: At) -> None:
    shell = shell_at("signed")
    (submit,) = Path(".bspec/records/submit").iterdir()
    stray = submit.with_name(f"{'0' * 64}.json")
    stray.write_bytes(submit.read_bytes())
    result = shell.ok("record", "behavior.intent")
    assert result.lines[0] == "RECORDED  6 records; the ledger has 6 entries"
    assert sorted(line.split()[0] for line in result.lines[1:]) == [
        *("approval", "evidence", "evidence", "evidence", "ignored", "request", "submit"),
    ]
    again = shell.ok("record", "behavior.intent", "--format", "json").json
    assert (again["tree_size"], again["records"]) == (6, [])
    assert [r["file"] for r in again["rejected"]] == [str(stray)]


def test_one_record_is_one(shell_at: At) -> None:
    shell = shell_at("bound")
    shell.ok("submit", "behavior.intent")
    assert shell.ok("record", "behavior.intent").lines[0] == "RECORDED  1 record; the ledger has 1 entry"


@pytest.mark.attack("A72")
def test_a_reason_with_escapes_is_harmless_wherever_it_is_shown(shell_at: At) -> None:
    shell = shell_at("bound")
    reason = "\x1b]0;owned\x07\n::set-env name=X::y"
    key = ("--role", "environment-admin", "--key", "keys/environment-admin.pem")
    shell.ok("approve", *STAGING, *key, "--reject", "--reason", reason)
    shell.ok("request", *STAGING, "--reason", reason)
    for arguments in (("evaluate", *STAGING), ("record", "behavior.intent"), ("approve", *STAGING, *key)):
        result = shell(*arguments)
        assert "\x1b" not in result.out + result.err
        assert not any(line.startswith("::") for line in (result.out + result.err).splitlines())
