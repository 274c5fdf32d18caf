"""``check --conftest-policy``: policies of conftest's form say what they say there, and nothing passes by mistake."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.conftest import runner
from bspec_opa.report.check.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]
    Check = Callable[..., Result]

ROOT = Path(__file__).parents[2]
CONFTEST = ROOT / ".tools" / "bin" / "conftest"
READS = 'input.intent.tools[_].privilege == "read"'
GOOD = f"""\
package main

deny contains msg if {{
	some t in input.intent.tools
	t.privilege == "admin"
	msg := sprintf("%s is admin", [t.id])
}}

deny_read contains {{"msg": "reads", "path": "/tools/0/privilege", "owner": "sec"}} if {READS}

violation contains {{"msg": "violated", "details": {{"n": 1}}}} if {READS}

warn_read contains "reads, too" if {READS}

warn_never contains "never" if input.intent.metadata.id == ""
"""


def policies(text: str, name: str = "policy/main.rego") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def body(*rules: str) -> str:
    return "package main\n\n" + "\n".join(rules) + "\n"


@pytest.fixture
def check(shell_at: At, opa_path: Path) -> Check:
    """Check one intent against what lies in ``policy``."""
    shell = shell_at("bare")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)

    def run(*more: str, files: tuple[str, ...] = ("behavior.intent",), form: str = "json") -> Result:
        return shell("check", *files, "--conftest-policy", "policy", "--format", form, *more)

    return run


def rules_of(result: Result, file: int = 0) -> dict[str, Any]:
    found = result.json["files"][file]["rules"]
    return {r["id"].removeprefix("conftest."): r for r in found if r["origin"] == "conftest"}


def said(result: Result, kind: str) -> dict[str, list[str]]:
    return {i: [f["message"] for f in r[kind]] for i, r in rules_of(result).items() if r[kind]}


def refused(result: Result, code: int, *reasons: str) -> None:
    """Nothing was checked at all, or this intent was not; either way it is no pass."""
    assert result.code == code, result.out
    problems = result.json.get("problems") or [p for f in result.json["files"] for p in f["problems"]]
    assert [p["code"] for p in problems] == list(reasons), result.out


# What they say


def test_each_rule_says_what_it_says_in_conftest(check: Check) -> None:
    policies(GOOD)
    result = check()
    assert result.code == 4
    assert said(result, "denied") == {"main.deny_read": ["reads"], "main.violation": ["violated"]}
    assert said(result, "warned") == {"main.warn_read": ["reads, too"]}
    assert {i: r["status"] for i, r in rules_of(result).items()} == {
        "main.deny": "pass",
        "main.deny_read": "deny",
        "main.violation": "deny",
        "main.warn_never": "pass",
        "main.warn_read": "warn",
    }
    ours = [r for r in result.json["files"][0]["rules"] if r["origin"] == "bundle"]
    assert ours
    assert result.json["files"][0]["problems"] == []


def test_a_path_gives_line_and_column_and_the_rest_is_kept(check: Check) -> None:
    policies(GOOD)
    result = check()
    (read,) = rules_of(result)["main.deny_read"]["denied"]
    assert (read["line"], read["column"], read["details"]) == (19, 16, {"owner": "sec"})
    (violated,) = rules_of(result)["main.violation"]["denied"]
    assert (violated["line"], violated["details"]) == (0, {"details": {"n": 1}})


WRITTEN = body(
    'deny contains {"msg": "reads", "path": "/tools/0/privilege"} if input.tools[_].privilege == "read"',
    'warn contains sprintf("%v providers", [count(p)]) if p := {x | x := input.models.classes[_].providers[_]}',
    'warn_team contains "a team" if object.get(input, "x-team", "") == "blue"',
)


def test_policies_for_the_file_itself_run_unchanged(check: Check) -> None:
    """What conftest itself says to it, in ``test_conftest_says_the_same_of_the_file_itself``."""
    policies(WRITTEN)
    intent = Path("behavior.intent")
    intent.write_text(intent.read_text(encoding="utf-8") + "x-team: blue\n", encoding="utf-8")
    refused(check(), 3, *["bundle.rego-invalid"] * 2)  # no normalized input has tools or models at its top
    result = check("--conftest-input", "file")
    assert (result.code, said(result, "denied")) == (4, {"main.deny": ["reads"]})
    assert said(result, "warned") == {"main.warn": ["1 providers"], "main.warn_team": ["a team"]}
    (read,) = rules_of(result)["main.deny"]["denied"]
    assert (read["line"], read["column"]) == (19, 16)


def test_a_typo_in_a_policy_for_the_file_is_no_pass(check: Check) -> None:
    policies(WRITTEN.replace("input.tools", "input.tolls"))
    result = check("--conftest-input", "file")
    refused(result, 3, "bundle.rego-invalid")
    assert (
        result.json["problems"][0]["hint"] == "no intent has it; a member that may be anything is read with object.get"
    )
    policies(WRITTEN.replace("privilege ==", "privilig =="))
    refused(check("--conftest-input", "file"), 3, "bundle.rego-invalid")


def test_warnings_alone_are_a_pass_or_six(check: Check) -> None:
    policies(body(f'warn contains "w" if {READS}'))
    assert check().code == 0
    assert check("--fail-on-warn").code == 6


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_them(check: Check, form: str) -> None:
    policies(GOOD)
    result = check(form=form)
    assert result.code == 4
    assert "conftest.main.deny_read" in result.out
    if form == "junit":
        names = {c.get("name") for c in ET.fromstring(result.out).iter("testcase")}  # noqa: S314 - ours
        assert "conftest.main.deny" in names
    if form == "sarif":
        results = json.loads(result.out)["runs"][0]["results"]
        (read,) = [r for r in results if r["ruleId"] == "conftest.main.deny_read"]
        assert read["locations"][0]["physicalLocation"]["region"]["startLine"] == 19


def test_any_namespace_is_asked_unless_some_are_named(check: Check) -> None:
    policies('package main\n\ndeny contains "one"\n')
    policies('package team.tools\n\ndeny contains "two"\n', "policy/deeper/t.rego")
    policies('package k8s\n\ndeny contains "x" if input.kind == "Pod"\n', "policy/k8s.rego")
    refused(check(), 3, "bundle.rego-invalid")  # written for other documents: it would pass whatever they are
    assert said(check("--conftest-namespace", "main", "--conftest-namespace", "team.*"), "denied") == {
        "main.deny": ["one"],
        "team.tools.deny": ["two"],
    }
    assert said(check("--conftest-namespace", "team.tools"), "denied") == {"team.tools.deny": ["two"]}


def test_helpers_tests_and_print_are_no_obstacle(check: Check) -> None:
    policies(
        body(
            "import data.lib.tools",
            'deny contains "h" if {',
            '\tprint("seen")',
            "\ttools.reads(input.intent.tools[0])",
            "}",
        )
    )
    policies(
        'package lib.tools\n\nreads(t) if t.privilege == "read"\n\nwarnings_wanted := true\n\nwanted if warnings_wanted\n',
        "policy/lib/t.rego",
    )
    policies(
        "package main_test\n\nimport data.main\n\ntest_denied if count(main.deny) == 0 with input as {}\n",
        "policy/main_test.rego",
    )
    assert said(check(), "denied") == {"main.deny": ["h"]}


def test_the_input_is_what_normalize_prints(check: Check, shell_at: At) -> None:
    policies(
        body(
            "deny contains json.marshal(input)",
            'warn contains sprintf("%s in %s", [f.name, f.dir]) if f := data.conftest.file',
        )
    )
    result = check()
    (text,) = said(result, "denied")["main.deny"]
    seen, printed = json.loads(text), shell_at("bare")("normalize", "behavior.intent").json
    assert seen == printed
    (place,) = said(result, "warned")["main.warn"]
    assert place == f"behavior.intent in {Path.cwd()}"


@pytest.mark.parametrize(("batch", "characters"), [(16, 8_000_000), (256, 8_000_000), (256, 9_000)])
def test_many_are_asked_each_for_itself(
    check: Check, monkeypatch: pytest.MonkeyPatch, batch: int, characters: int
) -> None:
    monkeypatch.setattr(runner, "BATCH", batch)
    monkeypatch.setattr(runner, "BATCH_CHARACTERS", characters)
    policies(
        body(
            'deny contains input.intent.metadata.id if endswith(input.intent.metadata.id, "7")',
            "warn contains data.conftest.file.dir",
        )
    )
    text = Path("behavior.intent").read_text(encoding="utf-8")
    for n in range(40):  # more than a small batch
        Path(f"many/{n:02}").mkdir(parents=True)
        Path(f"many/{n:02}/behavior.intent").write_text(
            text.replace("billing-support", f"billing-{n}"), encoding="utf-8"
        )
    Path("many/05/behavior.intent").write_text("x: [", encoding="utf-8")
    for jobs in ("1", "2") if batch == 16 else ("1",):
        result = check("--jobs", jobs, files=("many",))
        assert result.code == 3
        for n, file in enumerate(result.json["files"]):
            found = [f["message"] for r in file["rules"] if r["id"] == "conftest.main.deny" for f in r["denied"]]
            assert found == ([f"billing-{n}"] if n % 10 == 7 else [])
            places = [f["message"] for r in file["rules"] if r["id"] == "conftest.main.warn" for f in r["warned"]]
            assert places == ([] if n == 5 else [str(Path(f"many/{n:02}").absolute())])


# exception


@pytest.mark.parametrize(
    ("exception", "lifted"),
    [
        ('["read"]', {"main.deny_read", "main.warn_read"}),
        ('["read", "other"]', {"main.deny_read", "main.warn_read"}),
        ('[""]', {"main.deny", "main.violation"}),
        ('["deny_read"]', set()),
        ('["READ"]', set()),
        ('"read"', set()),
    ],
)
def test_an_exception_lifts_the_rules_that_it_names(check: Check, exception: str, lifted: set[str]) -> None:
    policies(GOOD + f"\nexception contains {exception} if {READS}\n")
    result = check()
    assert {i for i, r in rules_of(result).items() if r["status"] == "excepted"} == lifted
    assert set(said(result, "excepted")) == lifted - {"main.deny"}
    assert set(said(result, "denied")) == {"main.deny_read", "main.violation"} - lifted
    assert result.json["counts"]["exceptions"] == len(lifted)


def test_an_exception_is_of_its_namespace_and_its_condition(check: Check) -> None:
    policies(GOOD + '\nexception contains ["read"] if input.intent.metadata.id == "another"\n')
    policies('package other\n\ndeny contains "o"\n\nexception contains ["read"]\n', "policy/o.rego")
    assert set(said(check(), "denied")) == {"main.deny_read", "main.violation", "other.deny"}


# Versions of Rego

OLD = 'package main\n\ndeny[msg] {\n\tinput.intent.tools[_].privilege == "read"\n\tmsg := "old"\n}\n\nexception[rules] {\n\trules := ["x"]\n}\n'


def test_old_syntax_when_it_is_said_to_be_old(check: Check) -> None:
    policies(OLD)
    assert said(check("--rego-version", "v0"), "denied") == {"main.deny": ["old"]}
    result = check()
    assert result.code == 3
    assert {p["code"] for p in result.json["problems"]} == {"bundle.rego-invalid"}
    assert all("--rego-version v0" in p["hint"] for p in result.json["problems"])
    policies(GOOD)
    assert check("--rego-version", "v0").code == 3


# What conftest takes for a pass


@pytest.mark.attack("A41")
@pytest.mark.parametrize("what", ["missing", "empty", "no rego", "a file that is none", "a link", "a linked directory"])
def test_no_policies_are_no_pass(check: Check, what: str) -> None:
    code = "conftest.no-policies"
    if what != "missing":
        Path("policy").mkdir()
    if what == "missing":
        code = "file.unreadable"
    elif what == "no rego":
        policies(GOOD, "policy/main.reg")
    elif what == "a file that is none":
        Path("policy").rmdir()
        policies("not rego\n", "policy")
        code = "bundle.rego-invalid"
    elif what == "a link":
        policies(GOOD, "main.rego")
        Path("policy/main.rego").symlink_to("../main.rego")
        code = "conftest.link"
    elif what == "a linked directory":
        policies(GOOD)
        policies(GOOD, "elsewhere/more.rego")
        Path("policy/more").symlink_to("../elsewhere")
        code = "conftest.link"
    result = check()
    assert result.code == 3
    assert {p["code"] for p in result.json["problems"]} == {code}


@pytest.mark.attack("A41")
@pytest.mark.parametrize(
    ("rules", "code", "reason"),
    [
        ("deny contains", 3, "bundle.rego-invalid"),
        ("allow if true", 3, "conftest.no-policies"),
        ("deny if true", 3, "conftest.rule-form"),
        ("default deny := false", 3, "conftest.rule-form"),
        (f"deny_x if {READS}", 3, "conftest.rule-form"),
        ('deny := "always"', 3, "conftest.rule-form"),
        ('deny := {"msg": "always"}', 3, "conftest.rule-form"),
        ("deny(x) := x", 3, "conftest.rule-form"),
        ('deny.part contains "x"', 3, "conftest.rule-form"),
        ('warn[x] := "y" if x := "z"', 3, "conftest.rule-form"),
        ('deny contains "x"\n\nexception if true', 3, "conftest.rule-form"),
        ('warn contains "x"\n\ndeny_ contains "y"', 3, "conftest.never-asked"),
        ('warn contains "x"\n\ndneny contains "y"', 3, "conftest.never-asked"),
        ('warn contains "x"\n\nviolations contains "y"', 3, "conftest.never-asked"),
        ('warn contains "x"\n\nDeny contains "y"', 3, "conftest.never-asked"),
        ('deny contains "x"\n\nexceptions contains ["y"]', 3, "conftest.never-asked"),
        ('deny contains "x" if input.intnet', 3, "bundle.rego-invalid"),
        ('deny contains "x" if input.intent.tools[_].privilige == "read"', 3, "bundle.rego-invalid"),
        ('deny contains "x" if data.limits.most > 3', 3, "conftest.unknown-data"),
        ('deny contains "x" if data.main.helper', 3, "conftest.unknown-data"),
        ('import data.limits\n\ndeny contains "x" if limits.most > 3', 3, "conftest.unknown-data"),
        ("deny := msg if msg := input.intent.metadata.id", 8, "conftest.bad-result"),
        ("deny contains 5", 8, "conftest.bad-result"),
        ("deny contains true", 8, "conftest.bad-result"),
        ("deny contains null", 8, "conftest.bad-result"),
        ('deny contains ["x"]', 8, "conftest.bad-result"),
        ('deny contains ""', 8, "conftest.bad-result"),
        ('deny contains {"message": "x"}', 8, "conftest.bad-result"),
        ('deny contains {"msg": ""}', 8, "conftest.bad-result"),
        ('deny contains {"msg": 1}', 8, "conftest.bad-result"),
        ('deny contains "x" if to_number(input.intent.metadata.id) > 1', 8, "conftest.evaluation-failed"),
        ('deny contains "x" if x == 1\n\nx := 1\n\nx := 2 if input.now_unix > 0', 8, "conftest.evaluation-failed"),
    ],
)
def test_what_conftest_lets_through_is_refused(check: Check, rules: str, code: int, reason: str) -> None:
    policies(body(rules))
    result = check()
    assert result.code == code, result.out
    problems = result.json.get("problems") or result.json["files"][0]["problems"]
    assert {p["code"] for p in problems} == {reason}, result.out
    for problem in problems:
        assert problem["file"] in {"policy/main.rego", ""}
    assert check(form="junit").code == code


def test_where_it_is_wrong_is_said(check: Check) -> None:
    policies(body('deny contains "x" if input.intnet'))
    (problem,) = check().json["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("policy/main.rego", 3, 22)
    assert "bspec-opa normalize" in problem["hint"]
    policies(body('deny contains "x" if input.tools[_].class == "shell"'))
    (problem,) = check().json["problems"]
    assert problem["hint"].startswith("did you mean input.intent.tools? ")
    assert problem["hint"].endswith(": --conftest-input file")
    policies(body('warn contains "x"', 'dney contains "y"'))
    (problem,) = check().json["problems"]
    assert (problem["line"], problem["hint"]) == (4, 'did you mean "deny"?')


@pytest.mark.attack("A41")
def test_a_misspelt_namespace_is_no_pass(check: Check) -> None:
    policies(GOOD)
    result = check("--conftest-namespace", "mian")
    refused(result, 3, "conftest.no-namespace")
    assert result.json["problems"][0]["hint"] == 'did you mean "main"?'
    policies("package lib\n\nhelper := 1\n", "policy/lib.rego")
    refused(check("--conftest-namespace", "main", "--conftest-namespace", "lib"), 3, "conftest.no-namespace")
    refused(check("--conftest-namespace", "x.*"), 3, "conftest.no-namespace")


def test_one_intent_on_which_a_policy_fails_does_not_spoil_the_others(check: Check) -> None:
    policies(body('deny contains "x" if to_number(input.intent.metadata.version) > 1', 'warn contains "w"'))
    text = Path("behavior.intent").read_text(encoding="utf-8")
    policies(
        body('deny contains "x" if to_number(trim_prefix(input.intent.metadata.id, "n")) > 1', 'warn contains "w"')
    )
    for name, agent in (("a", "n1"), ("b", "word"), ("c", "n2")):
        Path(f"{name}.intent").write_text(text.replace("billing-support", agent), encoding="utf-8")
    result = check(files=("a.intent", "b.intent", "c.intent"))
    assert result.code == 8
    assert [f["verdict"] for f in result.json["files"]] == ["passed", "failed", "denied"]
    assert result.json["files"][1]["problems"][0]["code"] == "conftest.evaluation-failed"
    assert result.json["counts"]["errors"] == 1


def test_each_of_many_on_which_a_policy_fails_is_found(check: Check) -> None:
    policies(body('deny contains "x" if to_number(trim_prefix(input.intent.metadata.id, "n")) > 15'))
    text = Path("behavior.intent").read_text(encoding="utf-8")
    wrong = {3, 4, 18}
    for n in range(20):
        agent = f"word{n}" if n in wrong else f"n{n}"
        Path(f"{n:02}.intent").write_text(text.replace("billing-support", agent), encoding="utf-8")
    result = check(files=tuple(f"{n:02}.intent" for n in range(20)))
    verdicts = [f["verdict"] for f in result.json["files"]]
    assert verdicts == ["failed" if n in wrong else "denied" if n > 15 else "passed" for n in range(20)]


# Data and builtins


def test_data_is_given_as_for_conftest(check: Check) -> None:
    policies(
        body(
            'deny contains sprintf("over %d", [data.limits.most]) if data.limits.most == 3',
            "warn contains w if some w in data.words",
        )
    )
    Path("data/limits").mkdir(parents=True)
    Path("data/limits/x.yaml").write_text("most: 3\n", encoding="utf-8")
    Path("words.json").write_text('{"words": ["one", "two"]}', encoding="utf-8")
    refused(check(), 3, "conftest.unknown-data", "conftest.unknown-data")
    refused(check("--conftest-data", "data"), 3, "conftest.unknown-data")
    result = check("--conftest-data", "data", "--conftest-data", "words.json")
    assert said(result, "denied") == {"main.deny": ["over 3"]}
    assert said(result, "warned") == {"main.warn": ["one", "two"]}
    Path("nothing").mkdir()
    refused(check("--conftest-data", "nothing"), 3, "conftest.no-policies")


@pytest.mark.attack("A69")
@pytest.mark.parametrize(
    "call",
    ['http.send({"method": "get", "url": "http://127.0.0.1:1"})', 'net.lookup_ip_addr("localhost")', "opa.runtime()"],
)
def test_neither_network_nor_environment_unless_somebody_says_so(check: Check, call: str) -> None:
    policies(body(f'deny contains "x" if {call}'))
    result = check()
    refused(result, 3, "bundle.forbidden-builtin")
    assert "--conftest-capabilities" in result.json["problems"][0]["hint"]


@pytest.mark.attack("A69")
def test_what_somebody_allows_sees_no_environment(
    check: Check, opa_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of mine")
    policies(body('deny contains concat(",", object.keys(opa.runtime().env))'))
    current = subprocess.run([opa_path, "capabilities", "--current"], capture_output=True, check=True).stdout
    Path("all.json").write_bytes(current)
    (names,) = said(check("--conftest-capabilities", "all.json"), "denied")["main.deny"]
    assert set(names.split(",")) <= {"PATH", "HOME"}


def test_capabilities_that_are_none(check: Check) -> None:
    policies(GOOD)
    refused(check("--conftest-capabilities", "missing.json"), 3, "file.unreadable")
    Path("bad.json").write_text("[]", encoding="utf-8")
    assert check("--conftest-capabilities", "bad.json").code in {3, 8}


def test_without_opa_nothing_passes(shell_at: At) -> None:
    shell = shell_at("bare")
    shell.variables["PATH"] = "/nonexistent"
    policies(GOOD)
    result = shell("check", "behavior.intent", "--conftest-policy", "policy", "--format", "json")
    refused(result, 8, "engine.no-opa")


@pytest.mark.attack("A72")
@pytest.mark.parametrize("form", FORMATS)
def test_what_a_policy_says_commands_nobody(check: Check, form: str) -> None:
    text = json.dumps("a\n::set-env name=x::y\n##vso[task.setvariable variable=x]\x1b[2J\u2028]]>\uffff")
    policies(
        f'package main["x\\n::error::"]\n\ndeny contains {text}\n\nwarn contains {{"msg": {text}, "path": "/tools/0"}}\n'
    )
    out = check(form=form).out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", out)
    for line in out.split("\n"):
        if form == "github":
            assert not line.strip().startswith("::") or re.match("::(error|warning) file=", line)
        elif form == "azuredevops":
            assert "##vso[" not in line or line.rindex("##vso[task.logissue ") == 0
        else:
            assert not line.strip().startswith("::")
            assert "##vso[" not in line
    if form == "junit":
        ET.fromstring(out)  # noqa: S314 - ours


# conftest itself

EQUAL = {
    "all kinds": GOOD,
    "lifted": GOOD + '\nexception contains ["read"]\n',
    "lifted bare": GOOD + '\nexception contains [""]\n',
    "not lifted": GOOD + '\nexception contains ["deny_read"]\n',
    "array": body('deny := ["a", "b"]', 'warn_a_b contains "c"'),
    "nothing": body(f'deny contains "x" if not {READS.replace("[_]", "[0]")}'),
}


@pytest.mark.soak
@pytest.mark.parametrize("case", EQUAL)
def test_conftest_says_the_same(check: Check, shell_at: At, case: str) -> None:
    """With the real conftest, which ``make soak`` gets; see the cases above for where it lets through too much."""
    assert CONFTEST.exists(), "run make conftest"
    policies(EQUAL[case])
    result = check()
    Path("input.json").write_text(shell_at("bare")("normalize", "behavior.intent").out, encoding="utf-8")
    command = [str(CONFTEST), "test", "-p", "policy", "--all-namespaces", "-o", "json", "input.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (theirs,) = json.loads(done.stdout)
    assert sorted(f["msg"] for f in theirs.get("failures", [])) == sorted(
        m for v in said(result, "denied").values() for m in v
    )
    assert sorted(f["msg"] for f in theirs.get("warnings", [])) == sorted(
        m for v in said(result, "warned").values() for m in v
    )
    lifted = [r for r in rules_of(result).values() if r["status"] == "excepted"]
    assert len(theirs.get("exceptions", [])) == len(lifted)
    assert (done.returncode == 0) == (not said(result, "denied"))


@pytest.mark.soak
def test_conftest_says_the_same_of_the_file_itself(check: Check) -> None:
    policies(WRITTEN)
    intent = Path("behavior.intent")
    intent.write_text(intent.read_text(encoding="utf-8") + "x-team: blue\n", encoding="utf-8")
    result = check("--conftest-input", "file")
    command = [str(CONFTEST), "test", "--parser", "yaml", "-o", "json", "behavior.intent"]
    (theirs,) = json.loads(subprocess.run(command, capture_output=True, check=False, timeout=60).stdout)
    warned = [w for found in said(result, "warned").values() for w in found]
    assert warned == [w["msg"] for w in theirs["warnings"]] == ["1 providers", "a team"]
    assert [f["msg"] for f in theirs["failures"]] == ["reads"] == said(result, "denied")["main.deny"]
