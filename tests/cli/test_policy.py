"""``bspec-opa policy``: from an empty directory to a bundle that denies."""

from __future__ import annotations

import json
import shutil
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packs import NO_SHELL, RULE, TEST, pack
from policy_tree import organisation_data, write
from shell import INTENT

from bspec_opa.bundle.read import read_bundle
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

FOLDER = Path("policies/bspec/rules/global/tools/no_finance")
CONFIG = Path("bspec-opa.toml")


@pytest.fixture
def shell(shell_at: At, opa_path: Path) -> Shell:
    found = shell_at("empty")
    found.variables["BSPEC_OPA_OPA"] = str(opa_path)
    return found


@pytest.fixture
def small(shell: Shell, base_bytes: bytes) -> Shell:
    """A pack on the small base."""
    Path("base.tar.gz").write_bytes(base_bytes)
    revision = read_bundle(base_bytes, "base").revision
    CONFIG.write_text(f'[policy]\nbase = "base.tar.gz"\nbase_revision = "{revision}"\nowner = "team:payments"\n')
    write(Path("policies"), pack())
    return shell


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) >= 1
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_from_an_empty_directory_to_a_denial(shell: Shell) -> None:
    """New, red, green, built, and the example is denied with the new rule's words at its line."""
    base = shell.ok("bundle", "inspect", "--format", "json").json
    made = shell.ok("policy", "new", "global/tools/no_finance", "--owner", "team:payments", "--format", "json").json
    assert violations(SCHEMAS["bspec.policy-new/v1"], made) == []
    assert made["written"] == ["bspec-opa.toml", *(str(FOLDER / f"no_finance{s}.rego") for s in ("", "_test"))]
    assert CONFIG.read_text(encoding="utf-8") == (
        f'[policy]\nbase = "default"\nbase_revision = "{base["revision"]}"\nowner = "team:payments"\n'
    )
    assert made["next"] == [
        *(f"edit {p}" for p in made["written"][1:]),
        "bspec-opa policy test",
        "bspec-opa policy lint",
    ]
    red = shell("policy", "test")
    want = '{"msg": "tool billing_read_api is of class shell", "path": "/tools/0/class"}'
    assert red.code == 4
    assert red.lines[:2] == ["FAIL  test_fail_no_finance", f"  {FOLDER}/no_finance_test.rego:7:1"]
    assert f"      - {want}" in red.lines
    assert red.lines[-1] == "FAILED  1 of 2 tests passed; 1 rule of yours"

    edit(FOLDER / "no_finance.rego", '"TODO"', '"shell"')
    green = shell.ok("policy", "test")
    assert green.lines == ["PASSED  2 of 2 tests passed; 1 rule of yours; 100.0% of their lines reached"]

    edit(FOLDER / "no_finance.rego", '"shell"', '"finance"')
    for word, said in {"TODO, one": "One", "TODO, what": "What"}.items():
        assert "bundle.unfinished" in shell("bundle", "build", "-o", "policies.tar.gz").err
        edit(FOLDER / "no_finance.rego", word, said)
    shell.ok("bundle", "build", "-o", "policies.tar.gz")
    shutil.copy(INTENT, "behavior.intent")
    checked = shell("check", "behavior.intent", "--bundle", "policies.tar.gz", "--format", "json").json
    denied = {r["id"]: r["denied"][0]["line"] for r in checked["files"][0]["rules"] if r["denied"]}
    assert checked["exit_code"] == 4
    line = next(n for n, t in enumerate(INTENT.read_text(encoding="utf-8").splitlines(), 1) if "class: finance" in t)
    assert denied["global.tools.no_finance"] == line

    why = ("explain", "behavior.intent", "global.tools.no_finance", "--bundle", "policies.tar.gz")
    (explained,) = shell.ok(*why, "--format", "json").json["rules"]
    assert (explained["docs"], explained["owner"]) == ("", "team:payments")
    assert "  see       bspec/rules/global/tools/no_finance/no_finance.rego of team:payments" in shell.ok(*why).lines


def test_what_is_not_finished_gets_into_no_bundle_by_accident(small: Shell) -> None:
    """A rule as ``policy new`` wrote it lints with nothing but what is left to do, and a build refuses it."""
    shell = small
    shutil.rmtree(Path("policies", RULE).parent)
    shell.ok("policy", "new", "global/tools/no_finance")
    linted = shell("policy", "lint", "--format", "json").json
    assert {f["rule"] for f in linted["findings"]} == {"metadata/todo", "test/failing"}
    assert refused(shell) == {(f"{FOLDER}/no_finance.rego", 3, SAYS_TODO), (f"{FOLDER}/no_finance.rego", 7, SAYS_TODO)}
    below = "global.tools.no_finance is not finished: its source says TODO in line 16"
    notes = [*(f"allowed although unfinished: {SAYS_TODO} in line {n}" for n in (3, 7)), below]
    assert allowed(shell) == notes
    shown = " ".join(shell.ok("bundle", "build", "-o", "x.tar.gz", "--allow-unfinished").out.split())
    assert shown.endswith(" ".join(f"note {n}" for n in notes))
    edit(FOLDER / "no_finance.rego", "TODO, one", "One")
    edit(FOLDER / "no_finance.rego", "TODO, what", "What")
    assert shell.ok("bundle", "build", "-o", "y.tar.gz", "--format", "json").json["notes"] == [below]
    edit(FOLDER / "no_finance.rego", '"TODO"', '"shell"')
    assert shell.ok("policy", "lint", "--fail-on-warn", "--format", "json").json["findings"] == []
    assert shell.ok("bundle", "build", "-o", "y.tar.gz", "--format", "json").json["notes"] == []
    (FOLDER / "no_finance_test.rego").unlink()
    assert shell("policy", "test").code == 3
    linted = shell("policy", "lint", "--format", "json").json
    assert ("test/none", "bundle.unfinished") in {(f["rule"], f["code"]) for f in linted["findings"]}
    untested = "global.tools.no_finance has no test beside it: nothing shows that it denies"
    assert refused(shell) == {(f"{FOLDER}/no_finance.rego", 0, untested)}
    assert allowed(shell) == [f"allowed although unfinished: {untested}"]


@pytest.mark.soak
def test_a_base_that_is_not_finished_is_noted(shell: Shell) -> None:
    """It is somebody else's decision, and was made; whoever builds on it is told."""
    shell.ok("policy", "new", "global/tools/no_finance")
    shell.ok("bundle", "build", "-o", "base.tar.gz", "--allow-unfinished")
    pin = shell.ok("bundle", "inspect", "base.tar.gz", "--format", "json").json["revision"]
    shutil.rmtree("policies")
    write(Path("policies"), pack())
    options = ("--base", "base.tar.gz", "--base-revision", pin, "--owner", "team:payments", "--format", "json")
    notes = shell.ok("bundle", "build", "-o", "x.tar.gz", *options).json["notes"]
    assert notes == ["global.tools.no_finance is not finished: its source says TODO in lines 3, 7, 16"]


def test_only_policies_can_be_unfinished(shell: Shell) -> None:
    options = ("--reuse-wasm", "default", "--data", "data.json", "--allow-unfinished", "--format", "json")
    result = shell("bundle", "build", "-o", "x.tar.gz", *options)
    assert (result.code, result.json["problems"][0]["code"]) == (2, "cli.usage")


SAYS_TODO = "METADATA of global.tools.no_finance says TODO"


def refused(shell: Shell) -> set[tuple[str, int, str]]:
    Path("x.tar.gz").unlink(missing_ok=True)
    result = shell("bundle", "build", "-o", "x.tar.gz", "--format", "json")
    assert (result.code, Path("x.tar.gz").exists()) == (3, False)
    assert {p["code"] for p in result.json["problems"]} == {"bundle.unfinished"}
    return {(p["file"], p["line"], p["message"]) for p in result.json["problems"]}


def allowed(shell: Shell) -> list[str]:
    built = shell.ok("bundle", "build", "-o", "x.tar.gz", "--allow-unfinished", "--format", "json").json
    return list(built["notes"])


NEW = {
    "promotion/all/second_look": ("--pending", "approval"),
    "promotion.production.third_look": ("--pending", "evidence", "--severity", "low"),
    "global/payments/words": ("--warn", "--title", "Yes: no", "--code", "PAY-7"),
}


def test_each_kind_of_rule_is_red_and_then_green(small: Shell) -> None:
    shutil.rmtree("policies")
    for place, more in NEW.items():
        small.ok("policy", "new", place, *more)
    red = small("policy", "test", "--format", "json").json
    assert (red["exit_code"], red["problems"], red["failed"], red["passed"]) == (4, [], 3, 3)
    assert {t["name"] for t in red["tests"] if t["status"] == "failed"} == {
        "test_fail_second_look",
        "test_fail_third_look",
        "test_fail_words",
    }
    assert violations(SCHEMAS["bspec.policy-test/v1"], red) == []
    for place in NEW:
        folder = Path("policies/bspec/rules", *place.replace(".", "/").split("/"))
        word = '"shell"' if place.startswith("global") else '"contractors"'
        edit(folder / f"{folder.name}.rego", '"TODO"', word)
    assert small.ok("policy", "test").lines[0].startswith("PASSED  6 of 6 tests passed; 3 rules of yours")


def test_new_texts_are_in_the_form_of_opa_fmt(small: Shell, opa_path: Path) -> None:
    import subprocess

    for place, more in (("global/a/b", "--warn"), ("promotion/all/c", "--pending=approval"), ("global/a/d", "-q")):
        small.ok("policy", "new", place, more)
    command = [str(opa_path), "fmt", "--list", "policies/bspec/rules/global/a", "policies/bspec/rules/promotion"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == ""


BAD_PLACES = {
    "global/tools": "is no place for a rule",
    "globl/tools/x": 'did you mean "global"?',
    "promotion/prod/x": "knows no environment 'prod'",
    "global/tools/No": "is no name for a rule",
    "global/to-ols/x": "is no name for a collection",
    "global/tools/import": "is a word of Rego",
    "global/tools/x_test": "would be a test",
    "global/tools/" + 61 * "x": "is no name for a rule",
    "../../etc/x": "is no place for a rule",
}


@pytest.mark.parametrize("place", BAD_PLACES)
def test_new_at_a_place_that_is_none(place: str, small: Shell) -> None:
    before = sorted(Path().rglob("*"))
    result = small("policy", "new", place)
    assert (result.code, BAD_PLACES[place] in result.err) == (2, True), result.err
    assert "[authoring.bad-place]" in result.err
    assert sorted(Path().rglob("*")) == before


def test_new_overwrites_nothing(small: Shell) -> None:
    taken = small("policy", "new", "global/payments/no_shell")
    assert (taken.code, taken.err.count("authoring.already-there")) == (2, 2)
    assert (Path("policies") / RULE).read_text(encoding="utf-8") == NO_SHELL
    of_the_base = small("policy", "new", "global/tools/no_admin")
    assert (of_the_base.code, "has a rule global.tools.no_admin" in of_the_base.err) == (2, True)
    for code in ("PAY-01", "TOL-03"):
        result = small("policy", "new", "global/payments/other", "--code", code)
        assert (result.code, f"has the code {code}" in result.err) == (2, True)
    assert small("policy", "new", "global/payments/other", "--code", "pay 1").code == 2
    assert small("policy", "new", "global/payments/other", "--warn", "--pending", "soak").code == 2
    assert not Path("policies/bspec/rules/global/payments/other").exists()


def test_codes_are_counted_on(small: Shell) -> None:
    codes = [small.ok("policy", "new", f"global/a/{n}", "--format", "json").json["code"] for n in ("b", "c")]
    assert codes == ["ORG-01", "ORG-02"]
    # a prefix tells people one place, and lint holds authors to it: another collection gets its own
    places = ("promotion/production/d", "promotion/all/e", "global/b_2/f", "global/a/g")
    codes = [small.ok("policy", "new", p, "--format", "json").json["code"] for p in places]
    assert codes == ["ORGP-01", "ORGP-02", "ORGB-01", "ORG-03"]
    assert "code-prefix" not in small("policy", "lint").out


def test_new_extends_a_configuration_and_checks_a_table(shell: Shell, base_bytes: bytes) -> None:
    Path("base.tar.gz").write_bytes(base_bytes)
    revision = read_bundle(base_bytes, "base").revision
    CONFIG.write_text("[output]\nformat = 'text'", encoding="utf-8")
    shell.ok("policy", "new", "global/a/b", "--base", "base.tar.gz")
    written = CONFIG.read_text(encoding="utf-8")
    table = f'[policy]\nbase = "base.tar.gz"\nbase_revision = "{revision}"\nowner = "team:project"\n'
    assert written == f"[output]\nformat = 'text'\n\n{table}"
    shell.ok("policy", "new", "global/a/c")
    assert CONFIG.read_text(encoding="utf-8") == written
    CONFIG.write_text('[policy]\nowner = "team:a"\n', encoding="utf-8")
    unpinned = shell("policy", "new", "global/a/d")
    assert (unpinned.code, "base_revision = " in unpinned.err) == (3, True)
    CONFIG.write_text(f'[policy]\nowner = "team:a"\nbase_revision = "{revision}"\n', encoding="utf-8")
    assert shell("policy", "new", "global/a/d").code == 7, "the default has another revision"
    assert not Path("policies/bspec/rules/global/a/d").exists()


def test_new_knows_the_environments_of_the_packs_own_data(small: Shell) -> None:
    environments: list[dict[str, Any]] = [{"id": i, "schemas": []} for i in ("staging", "production", "pre-prod")]
    data = json.dumps({**organisation_data(), "environments": environments})
    write(Path("policies"), {"bspec/org/data.json": data})
    small.ok("policy", "new", "promotion/pre-prod/looked_at")
    edit(Path("policies/bspec/rules/promotion/pre-prod/looked_at/looked_at.rego"), '"TODO"', '"contractors"')
    assert small.ok("policy", "test").lines[0].startswith("PASSED  4 of 4 tests passed; 2 rules of yours")


def test_junit_and_quiet(small: Shell) -> None:
    junit = small.ok("policy", "test", "--format", "junit")
    assert junit.lines[1] == '<testsuites name="bspec-opa policy test" tests="3" failures="0" errors="0">'
    assert small.ok("policy", "test", "-q").out == ""
    refused = small("policy", "test", "nowhere", "--format", "json").json
    assert (refused["exit_code"], refused["problems"][0]["code"]) == (3, "bundle.no-rules")


def test_watch_runs_again_on_every_change(small: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Green, red after an edit, refused after another, green again; Ctrl-C ends it with the last run's code."""
    rule = Path("policies") / RULE
    edits = iter([('"shell"', '"shel"'), ("input.intent", "input.intnet"), ("input.intnet", "input.intent")])

    def wait(_: float) -> None:
        try:
            edit(rule, *next(edits))
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("bspec_opa.cli.policy.test.time", types.SimpleNamespace(sleep=wait))
    result = small("policy", "test", "--watch", "--run", "test_fail")
    words = [line.split()[0] for line in result.lines if line.startswith(("PASSED", "FAILED"))]
    assert (words, result.code) == (["PASSED", "FAILED", "FAILED"], 4)
    assert "undefined ref: input.intnet" in result.err
    assert result.err.count("watching; Ctrl-C ends it") == 4
    assert small("policy", "test", "--watch", "--format", "json").code == 2


def test_bench(small: Shell) -> None:
    document = small.ok("policy", "bench", "--repeat", "2", "--format", "json").json
    assert violations(SCHEMAS["bspec.policy-bench/v1"], document) == []
    assert {r["id"]: r["owner"] for r in document["rules"]} == {
        "global.payments.no_shell": "team:payments",
        "global.tools.no_admin": "bspec-opa",
        "global.tools.unbounded": "bspec-opa",
        "promotion.all.requested": "bspec-opa",
        "promotion.production.carried": "bspec-opa",
    }
    costs = [r["ns"] for r in document["rules"]]
    assert costs == sorted(costs, reverse=True)
    assert min(*costs, document["decision_ns"], document["embedded_ns"]) > 0
    assert document["total_ns"] == sum(costs)
    assert 9_990 <= sum(r["share_bp"] for r in document["rules"]) <= 10_000
    assert document["inputs"] == ["testing.allowed", "testing.full"]

    Path("inputs").mkdir()
    shutil.copy(INTENT, "behavior.intent")
    Path("inputs/billing.json").write_text(small.ok("normalize", "behavior.intent").out, encoding="utf-8")
    text = small.ok("policy", "bench", "--input", "inputs", "--repeat", "1", "--top", "1").out
    assert "global.payments.no_shell" in text
    assert "1 input (inputs/billing.json), median of 1 round" in text


def test_bench_of_an_input_that_gets_no_decision(small: Shell) -> None:
    shutil.copy(INTENT, "behavior.intent")
    request = small.ok("normalize", "behavior.intent", "--env", "staging").json
    Path("in.json").write_text(json.dumps({**request, "environment": "nowhere"}), encoding="utf-8")
    result = small("policy", "bench", "--input", "in.json", "--repeat", "1")
    assert (result.code, "doesn't know its environment" in result.err) == (3, True), result.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", 'lacks "action"; give what bspec-opa normalize prints [authoring.bad-bench-input]'),
        ("[", "1:2"),
        ('{"action": "check", "action": "check"}', "action"),
        (None, "holds no *.json file; write some there"),
    ],
)
def test_bench_takes_no_other_input(content: str | None, words: str, small: Shell) -> None:
    Path("inputs").mkdir()
    if content is not None:
        Path("inputs/a.json").write_text(content, encoding="utf-8")
    result = small("policy", "bench", "--input", "inputs")
    assert (result.code, words in result.err) == (3, True), result.err


def test_of_a_rule_without_tests_nothing_is_proven(small: Shell) -> None:
    (Path("policies") / TEST).unlink()
    result = small("policy", "test")
    assert result.code == 3
    assert result.lines[0] == "UNPROVEN  no test ran at all   policies"
