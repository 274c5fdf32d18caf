from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

EVALUATE = ("evaluate", "behavior.intent", "--env")
FIRST_STEP = "next  bspec-opa init . --trial-keys"


def test_the_first_command_is_advice_and_names_the_next(shell_at: At) -> None:
    result = shell_at("bare")(*EVALUATE, "staging")
    assert result.code == 5
    assert result.lines[0].startswith("PENDING  billing-support 1.0.0 → staging   (advisory, bundle default sha256:")
    assert result.lines[1] == "  59 rules: 0 denied, 7 pending, 1 warned, 51 passed (--show-passed names them)"
    assert result.lines[-1] == FIRST_STEP
    assert "advice only" in result.out
    assert result.err == ""


def test_a_finding_shows_its_line_with_carets_and_the_remedy(shell_at: At) -> None:
    lines = shell_at("bare")(*EVALUATE, "staging").lines
    at = lines.index("            behavior.intent:18:14")
    assert lines[at - 1].startswith("  warning   global.tools.unbounded_range  tool billing_read_api")
    assert lines[at + 1 : at + 3] == [
        '            18 |     version: ">=2.0"',
        '               |              ^^^^^^^ Add an upper bound, such as ">=2.0,<3".',
    ]


def test_it_writes_nothing(shell_at: At) -> None:
    shell = shell_at("signed")
    before = {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()}
    assert shell(*EVALUATE, "staging").code == 0
    assert {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()} == before


def test_with_a_root_each_need_is_one_exact_command(shell_at: At) -> None:
    shell = shell_at("ready")
    assert shell(*EVALUATE, "staging", "--format", "json").json["next"] == [
        "bspec-opa resolve behavior.intent",
        "bspec-opa submit behavior.intent",
        "bspec-opa attest behavior.intent --env staging --result results/boundary-functional.json",
        "bspec-opa attest behavior.intent --env staging --result results/constraint-functional.json",
        "bspec-opa attest behavior.intent --env staging --result results/privilege-functional.json",
        "bspec-opa approve behavior.intent --env staging --role environment-admin --key keys/environment-admin.pem",
        "bspec-opa request behavior.intent --env staging",
    ]


def test_the_results_that_are_named_are_those_that_init_wrote(shell_at: At) -> None:
    shell = shell_at("ready")
    steps = shell(*EVALUATE, "staging", "--format", "json").json["next"]
    named = {s.split("--result ")[1] for s in steps if "--result" in s}
    assert named
    assert all(Path(n).is_file() for n in named)


def test_from_elsewhere_the_files_are_named_beside_the_intent(shell_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = shell_at("ready")
    monkeypatch.chdir("..")
    steps = shell("evaluate", "project/behavior.intent", "--env", "staging", "--format", "json").json["next"]
    assert (
        "bspec-opa attest project/behavior.intent --env staging --result project/results/boundary-functional.json"
        in (steps)
    )


def test_a_root_without_a_pin_asks_for_the_pin_first(shell_at: At) -> None:
    shell = shell_at("ready")
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    document = shell(*EVALUATE, "staging", "--format", "json").json
    assert document["advisory"] is True
    assert document["next"][0].startswith("export BSPEC_OPA_TRUST_PIN=")


def test_signed_it_is_allowed_and_promote_is_next(shell_at: At) -> None:
    result = shell_at("signed")(*EVALUATE, "staging")
    assert result.code == 0
    assert result.lines[0].startswith("ALLOWED  billing-support 1.0.0 → staging   (bundle default sha256:")
    assert "  inbox     6 verified records are not in the ledger yet" in result.out
    assert result.lines[-1] == "next  bspec-opa promote behavior.intent --env staging"


def test_fail_on_warn_changes_the_code_of_an_allow_only(shell_at: At) -> None:
    shell = shell_at("signed")
    result = shell(*EVALUATE, "staging", "--fail-on-warn", "--format", "json")
    assert (result.code, result.json["exit_code"], result.json["verdict"]) == (6, 6, "allowed")
    assert shell(*EVALUATE, "production", "--fail-on-warn").code == 4


def test_show_passed_names_them(shell_at: At) -> None:
    result = shell_at("bare")(*EVALUATE, "staging", "--show-passed")
    assert "  passed    global.tools.no_admin" in result.lines
    assert result.lines[1].endswith(", 51 passed")


def test_the_source_environment_comes_first(shell_at: At) -> None:
    result = shell_at("signed")(*EVALUATE, "production")
    assert result.code == 4
    assert result.lines[-1] == "next  bspec-opa evaluate behavior.intent --env staging"


def test_findings_that_differ_in_numbers_only_are_one_line(shell_at: At) -> None:
    result = shell_at("staged")(*EVALUATE, "production")
    assert [line.split("  ", 4)[-1].strip() for line in result.lines if "promotion.all.evidence" in line] == [
        "boundary: 0 of 200 cases (independent red-team)",
        "constraint: 0 of 100 cases (adversarial)",
    ]


def test_a_denial_shows_what_denies_before_what_is_pending(shell_at: At) -> None:
    shell = shell_at("bare")
    intent = Path("behavior.intent")
    intent.write_text(
        intent.read_text(encoding="utf-8").replace("privilege: read", "privilege: admin"), encoding="utf-8"
    )
    result = shell(*EVALUATE, "staging")
    assert result.code == 4
    assert result.lines[0].startswith("DENIED  billing-support 1.0.0 → staging")
    assert result.out.index("global.tools.no_admin") < result.out.index("  pending   ")


def test_records_that_do_not_count_are_named_with_their_reason(shell_at: At) -> None:
    shell = shell_at("signed")
    (record,) = Path(".bspec/records/submit").iterdir()
    (record.parent / f"{'0' * 64}.json").write_bytes(record.read_bytes())
    result = shell(*EVALUATE, "staging")
    assert f"  ignored   .bspec/records/submit/{'0' * 64}.json: is not the record that its name says" in result.out


@pytest.mark.parametrize(
    ("name", "near"), [("stagin", 'did you mean "staging"?'), ("zzz", "known: production, staging")]
)
def test_an_unknown_environment_gets_the_nearest_name(shell_at: At, name: str, near: str) -> None:
    result = shell_at("bare")(*EVALUATE, name)
    assert result.code == 3
    assert near in result.err


def test_quiet_prints_nothing(shell_at: At) -> None:
    result = shell_at("bare")(*EVALUATE, "staging", "--quiet")
    assert (result.code, result.out, result.err) == (5, "", "")


def test_an_unreachable_engine_is_no_reason_to_ask_another(shell_at: At) -> None:
    result = shell_at("signed")(*EVALUATE, "staging", "--opa-url", "unix:///nonexistent/opa.sock", "--format", "json")
    assert result.code == 8
    assert result.json["schema"] == "bspec.error/v1"
