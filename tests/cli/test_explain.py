"""``explain``: what it shows of real decisions, with a real OPA and without one, and that its way out is one."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shell import fill_result

from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shelf, Shell

    At = Callable[[str], Shell]

STAGING = ("behavior.intent", "--env", "staging")
PRODUCTION = ("behavior.intent", "--env", "production")
ROOT = Path(__file__).parents[2]
APPROVALS = "promotion.all.approvals"


@dataclass(frozen=True)
class First:
    """What is printed of an intent that nobody has signed anything for."""

    document: Any
    text: str
    evaluation: Any


@pytest.fixture
def at(shell_at: At, opa_path: Path) -> At:
    """As ``shell_at``, with an OPA to be found."""

    def enter(stage: str) -> Shell:
        shell = shell_at(stage)
        shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
        return shell

    return enter


@pytest.fixture(scope="module")
def first(shelf: Shelf, opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> First:
    place = tmp_path_factory.mktemp("first")
    shell = shelf.copy("bare", place)
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    with contextlib.chdir(place / "project"):
        evaluation = shell("evaluate", *STAGING, "--format", "json").json
        return First(explained(shell, *STAGING), shell.ok("explain", *STAGING).out, evaluation)


def explained(shell: Shell, *arguments: str) -> Any:
    return shell.ok("explain", *arguments, "--format", "json").json


def rule_of(document: Any, rule: str) -> Any:
    (found,) = (r for r in document["rules"] if r["id"] == rule)
    return found


def test_the_values_that_opa_saw_stand_below_the_lines_that_held(first: First) -> None:
    assert first.document["opa"] == {"version": OPA_VERSION, "note": ""}
    (finding,) = rule_of(first.document, APPROVALS)["findings"]
    assert finding["status"] == "pending"
    assert (finding["file"], finding["line"], finding["column"]) == ("behavior.intent", 39, 17)
    assert finding["evaluated"] == [25, 26, 27]
    assert [(s["line"], s["expression"], s["value"]) for s in finding["saw"]] == [
        (25, "r", '{"count":1,"path":"/promotion/staging/approvals/0","role":"environment-admin"}'),
        (26, "n", "0"),
        (26, "count(approvals.people(r.role))", "0"),
        (26, "approvals.people(r.role)", "[]"),
    ]
    assert "            >26 |     n := count(approvals.people(r.role))\n" in first.text
    assert "                |         approvals.people(r.role) = []\n" in first.text
    assert "            39 |     approvals: [{role: environment-admin, count: 1}]\n" in first.text


def test_the_source_is_the_bundles_with_the_files_own_line_numbers(first: First) -> None:
    bundle = read_bundle(shipped_bundle().read_bytes(), "default")
    blocks = [b for r in first.document["rules"] for f in r["findings"] for b in f["source"]]
    assert blocks
    for block in blocks:
        lines = bundle.files[block["file"]].decode().split("\n")
        assert lines[block["start"] - 1 :][: len(block["lines"])] == block["lines"]
        assert block["lines"][0].startswith(("deny contains", "warn contains"))


def test_it_explains_exactly_what_evaluate_finds_and_each_by_its_own_path(first: First) -> None:
    loud = {r["id"]: r for r in first.evaluation["rules"] if r["status"] != "pass"}
    assert {r["id"] for r in first.document["rules"]} == set(loud)
    for rule in first.document["rules"]:
        said = loud[rule["id"]]
        assert {f["message"] for f in rule["findings"]} == {f["message"] for f in (*said["denied"], *said["warned"])}
        assert {f["message"] for f in rule["findings"] if f["status"] == "pending"} == {
            f["message"] for f in said["pending"]
        }
        # OPA's own trace has every finding of the library, whatever its head is made of.
        assert all(f["evaluated"] and len(f["source"]) == 1 for f in rule["findings"])


def test_a_shipped_rule_names_its_page(first: First) -> None:
    docs = {r["docs"] for r in first.document["rules"]}
    assert docs == {f"docs/rules/{r['id']}.md" for r in first.document["rules"]}
    assert all((ROOT / page).is_file() for page in docs)
    assert f"  see       docs/rules/{APPROVALS}.md\n" in first.text


def test_names_that_the_compiler_made_up_are_never_shown(first: First) -> None:
    assert "__local" not in first.text
    assert "__local" not in json.dumps(first.document)


def test_before_a_binding_the_set_is_an_estimate(first: First) -> None:
    lift = first.document["to_allow"]
    assert (lift["possible"], lift["proven"]) == (True, False)
    assert lift["why"] == "which rules judge what resolve finds is not known before"
    assert lift["steps"][0]["command"] == "bspec-opa resolve behavior.intent"
    assert "an estimate: which rules judge" in first.text
    assert lift["first"] == ["bspec-opa init . --trial-keys"]


def test_without_an_opa_it_says_so_and_shows_source_and_input(at: At) -> None:
    shell = at("bare")
    shell.variables |= {"BSPEC_OPA_OPA": "", "PATH": "/nonexistent"}
    document = explained(shell, *STAGING)
    assert document["opa"]["version"] == ""
    assert document["opa"]["note"].startswith("the OPA program is not found")
    rule = rule_of(document, APPROVALS)
    (finding,) = rule["findings"]
    assert (finding["evaluated"], finding["saw"]) == ([], [])
    assert [b["start"] for b in finding["source"]] == [20]
    assert {"reference": "input.approvals", "value": "[]"} in rule["reads"]
    text = " ".join(shell.ok("explain", *STAGING, APPROVALS).out.split())
    assert text.count("without an OPA only source and input are shown") == 1


@pytest.mark.attack("A75")
def test_an_opa_of_the_checkout_is_not_run(at: At, tmp_path: Path) -> None:
    shell = at("bare")
    Path(".git").mkdir()
    Path("bin").mkdir()
    Path("bin/opa").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    Path("bin/opa").chmod(0o755)
    shell.variables |= {"BSPEC_OPA_OPA": "", "PATH": str(Path("bin").absolute())}
    document = explained(shell, *STAGING)
    assert "lies in the checkout and is not run" in document["opa"]["note"]
    assert not (tmp_path / "ran").exists()


def test_a_rule_that_passes_shows_what_it_looked_at(at: At) -> None:
    shell = at("bare")
    document = explained(shell, "behavior.intent", "TOL-03")
    (rule,) = document["rules"]
    assert (rule["id"], rule["status"], rule["findings"]) == ("global.tools.no_admin", "pass", [])
    assert (rule["owner"], document["contact"]) == ("bspec-opa", "security@example.com")
    assert [(b["start"], len(b["lines"])) for b in rule["source"]] == [(13, 4)]
    (read,) = rule["reads"]
    assert read["reference"] == "input.intent.tools"
    assert [t["id"] for t in json.loads(read["value"])] == ["billing_read_api"]
    assert document["to_allow"] == {
        "possible": True, "proven": True, "why": "", "blocked_by": [], "first": [], "decisions": 0, "steps": [],
    }  # fmt: skip
    assert "passed    nothing was found" in shell.ok("explain", "behavior.intent", "TOL-03").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*STAGING, "promotion.all.aprovals"), "explain.unknown-rule", 'did you mean "promotion.all.approvals"?'),
        (("behavior.intent", APPROVALS), "explain.rule-not-run", "without --env only the global rules run"),
        (
            (*STAGING, "promotion.production.independent_red_team"),
            "explain.rule-not-run",
            "it is for production, and this is about staging",
        ),
        (("entry:1",), "recorded.no-ledger", "there is no ledger here"),
        (("entry:1", "--env", "staging"), "explain.environment-given", "leave --env out"),
    ],
)
def test_what_can_not_be_explained(at: At, arguments: tuple[str, ...], code: str, said: str) -> None:
    result = at("bare")("explain", *arguments)
    assert result.code == 2
    assert f"[{code}]" in result.err
    assert said in result.err


def test_a_recorded_decision_is_explained_with_its_own_input_and_bundle(at: At) -> None:
    shell = at("bound")
    assert shell("promote", *STAGING, "-q").code == 5
    shell.sign()
    shell.promote()
    denied = explained(shell, "entry:0")
    assert (denied["origin"], denied["entry"], denied["verdict"]) == ("recorded", 0, "pending")
    assert [b["id"] for b in denied["rules"] if b["status"] == "deny"] == [
        "promotion.all.approvals",
        "promotion.all.evidence",
        "promotion.all.non_author_approval",
        "promotion.all.requested",
        "promotion.all.scope_probed",
        "promotion.all.submitted",
    ]
    line = shell.ok("show", "--format", "json").json["lines"][-1]["digest"]
    promoted = explained(shell, line)
    assert (promoted["origin"], promoted["verdict"], promoted["to_allow"]["steps"]) == ("recorded", "allowed", [])
    assert promoted["entry"] > 0
    # The intent's file is the recorded one, so places are shown; after a change only pointers and values are.
    assert {f["file"] for r in promoted["rules"] for f in r["findings"]} == {"behavior.intent"}
    intent = Path("behavior.intent")
    intent.write_text(intent.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.0.1"), encoding="utf-8")
    again = explained(shell, f"entry:{promoted['entry']}")
    assert again["intent"] == ""
    (finding,) = rule_of(again, "global.tools.unbounded_range")["findings"]
    assert (finding["file"], finding["line"], finding["path"]) == ("", 0, "/tools/0/version")
    assert (finding["evaluated"], finding["value"]) == ([17, 18], '">=2.0"')
    text = shell.ok("explain", "entry:0").out
    assert '/promotion/staging/evidence/0 = {"method":"functional",' in text
    assert "on supposed facts), as of 2026-06-01T12:00:00Z 1. " in " ".join(text.split())


def test_another_entry_is_no_decision_and_those_that_there_are_get_named(at: At) -> None:
    shell = at("staged")
    result = shell("explain", "entry:0")
    assert result.code == 2
    assert re.match(
        r"entry:0 is of the kind \w+, no decision; its decisions: entry:6 \[recorded.no-decision\]", result.err
    )
    missing = shell("explain", f"sha256:{'0' * 64}")
    assert missing.code == 2
    assert "[recorded.no-decision]" in missing.err


def test_an_input_in_a_file_is_decided_again(at: At) -> None:
    shell = at("bound")
    Path("input.json").write_text(shell.ok("normalize", *STAGING).out, encoding="utf-8")
    document = explained(shell, "input.json", APPROVALS)
    assert (document["origin"], document["verdict"], document["intent"]) == ("input", "pending", "behavior.intent")
    assert document["to_allow"] == explained(shell, *STAGING)["to_allow"]
    assert shell("explain", "input.json", "--env", "staging").code == 2


def test_what_is_waived_is_explained_too(at: At, tmp_path: Path) -> None:
    """An input says which waivers were verified; a finding that one covers has its path like any other."""
    shell = at("bare")
    data = json.loads(read_bundle(shipped_bundle().read_bytes(), "default").files["bspec/org/data.json"])
    Path("data.json").write_text(json.dumps({**data, "providers": ["openai"]}), encoding="utf-8")
    shell.ok("bundle", "build", "--reuse-wasm", "default", "-o", "strict.tar.gz", "--data", "data.json", "-q")
    plain = explained(shell, "behavior.intent", "--bundle", "strict.tar.gz")
    rule, (denied,) = "global.models.provider_allowed", rule_of(plain, "global.models.provider_allowed")["findings"]
    assert (plain["verdict"], plain["to_allow"]["blocked_by"]) == ("denied", [rule])
    request = json.loads(shell.ok("normalize", "behavior.intent").out)
    waiver = {
        "id": f"sha256:{'1' * 64}",
        "rule": rule,
        "path": denied["path"],
        "msg": denied["message"],
        "binds": dict.fromkeys(("intent", "binding", "environment", "base"), True),
        "expires_unix": request["now_unix"] + 60,
    }
    # It lies elsewhere; the bundle and the intent are those of where the command runs.
    (tmp_path / "waived.json").write_bytes(canonical_bytes({**request, "waivers": [waiver]}))
    found = explained(shell, str(tmp_path / "waived.json"), rule, "--bundle", "strict.tar.gz")
    assert (found["verdict"], found["intent"]) == ("allowed", "behavior.intent")
    (finding,) = rule_of(found, rule)["findings"]
    assert finding == {**denied, "status": "waived"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contract": "bspec.input/v9"}, "its contract is 'bspec.input/v9'"),
        ({"intnet": 1}, "intnet"),
        ({"now_unix": "today"}, "/now_unix"),
    ],
)
def test_a_wrong_input_is_no_bug(at: At, change: dict[str, Any], said: str) -> None:
    shell = at("bare")
    request = json.loads(shell.ok("normalize", "behavior.intent").out)
    Path("input.json").write_bytes(canonical_bytes({**request, **change}))
    result = shell("explain", "input.json")
    assert result.code == 3
    assert "[recorded.bad-input]" in result.err
    assert said in result.err


def test_the_smallest_set_is_proven_and_doing_exactly_it_allows(at: At) -> None:
    shell = at("bound")
    lift = explained(shell, *STAGING)["to_allow"]
    assert (lift["possible"], lift["proven"], lift["why"], lift["first"]) == (True, True, "", [])
    cases = {s["question"]: s["count"] for s in lift["steps"] if s["kind"] == "evidence"}
    assert cases == {"boundary": 50, "privilege": 50, "constraint": 30}
    assert [s["kind"] for s in lift["steps"]] == ["submit", "evidence", "evidence", "evidence", "approval", "request"]
    assert [s["probes"] for s in lift["steps"] if s["question"] == "boundary"] == [
        [{"scope_out_id": "refunds", "count": 1}]
    ]
    for question, number in cases.items():
        file = Path(f"results/{question}-functional.json")
        fill_result(file, shell.now)
        result = json.loads(file.read_text(encoding="utf-8"))
        result["counts"] |= {"n": number, "pass": number}
        for probe in result["probes"]:
            probe |= {"cases": 1, "passed": 1}
        file.write_text(json.dumps(result), encoding="utf-8")
    commands = [s["command"].split()[1:] for s in lift["steps"]]
    for command in commands:
        assert shell("evaluate", *STAGING, "-q").code == 5
        shell.ok(*command, "-q")
    assert shell("evaluate", *STAGING, "-q").code == 0
    assert explained(shell, *STAGING)["to_allow"]["steps"] == []


def test_where_a_denial_is_not_pending_nothing_helps(at: At) -> None:
    shell = at("bound")
    document = explained(shell, *PRODUCTION)
    assert document["verdict"] == "denied"
    assert document["to_allow"]["possible"] is False
    assert document["to_allow"]["blocked_by"] == ["promotion.all.predecessor_identical"]
    assert document["to_allow"]["steps"] == []
    text = shell.ok("explain", *PRODUCTION).out
    assert (
        "no approval, evidence or other record helps while these deny:\n    promotion.all.predecessor_identical" in text
    )
