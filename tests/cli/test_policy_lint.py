from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lint_tree import BODY, METADATA, PACKAGE, RULE, TEST, clean_tree
from policy_tree import metadata, write

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from policy_tree import Tree
    from shell import Shell

    At = Callable[[str], Shell]

RULES = "bspec/rules"
NONCE = f"{RULES}/global/tools/nonce/nonce.rego"
LIBRARY_DATA = Path(__file__).parents[2] / "policies/bspec/org/data.json"


@pytest.fixture
def shell(shell_at: At, opa_path: Path) -> Shell:
    found = shell_at("empty")
    found.variables["BSPEC_OPA_OPA"] = str(opa_path)
    return found


def spoilt(tree: Tree, name: str, old: str, new: str) -> None:
    assert old in tree[name]
    tree[name] = tree[name].replace(old, new, 1)


def places(document: Any) -> set[tuple[str, str, int, int]]:
    assert violations(SCHEMAS["bspec.lint/v1"], document) == []
    return {(f["rule"], f["file"].removeprefix("policies/"), f["line"], f["column"]) for f in document["findings"]}


def false_greens() -> Tree:
    """Each of these exits 0 somewhere else; all are in one tree, so none may hide another."""
    tree = clean_tree()
    spoilt(tree, f"{RULES}/global/tools/unbounded/unbounded.rego", "tools.unbounded\n", "tools.unbouned\n")
    spoilt(tree, RULE, "input.nonce", "input.nonse")
    spoilt(tree, TEST, "with input.nonce", "with input.nonze")
    spoilt(
        tree,
        f"{RULES}/promotion/all/requested/requested.rego",
        "\tcount(input.requester) == 0",
        '\ttext := sprintf("%d", [count(input.requester)])\n\ttext == "0"',
    )
    spoilt(tree, f"{RULES}/promotion/production/carried/carried.rego", "\ndeny contains", "\ndney contains")
    spoilt(tree, f"{RULES}/global/tools/no_admin/no_admin_test.rego", "tools.no_admin_test", "tools.no_admin")
    spoilt(tree, "bspec/org/data.json", "{", '{"name": "other", ')
    tree["bspec/lib/empty/empty.rego"] = ""
    tree[NONCE] = metadata("TOL-98", "tools").replace("custom:", "custm:") + PACKAGE.replace("extra", "nonce") + BODY
    tree["bspec/notes.txt"] = "a note"
    return tree


WRONG = {
    ("layout/package-not-folder", f"{RULES}/global/tools/unbounded/unbounded.rego", 11, 1),
    ("reference/unknown-input", RULE, 13, 65),
    ("test/unknown-target", TEST, 7, 56),
    ("opa/builtin", f"{RULES}/promotion/all/requested/requested.rego", 15, 10),
    ("rule/unused-name", f"{RULES}/promotion/production/carried/carried.rego", 14, 1),
    ("rule/no-finding-set", f"{RULES}/promotion/production/carried/carried.rego", 12, 1),
    ("reference/undefined", f"{RULES}/promotion/production/carried/carried_test.rego", 8, 11),
    ("reference/undefined", f"{RULES}/promotion/production/carried/carried_test.rego", 12, 17),
    ("layout/package-not-folder", f"{RULES}/global/tools/no_admin/no_admin_test.rego", 1, 1),
    ("data/duplicate-key", "bspec/org/data.json", 1, 19),
    ("layout/empty-file", "bspec/lib/empty/empty.rego", 0, 0),
    ("metadata/ignored-member", NONCE, 4, 1),
    ("metadata/schema", NONCE, 1, 1),
    ("test/both-outcomes", NONCE, 11, 1),
    ("layout/not-a-policy-file", "bspec/notes.txt", 0, 0),
}


@pytest.mark.attack("A41")
def test_what_is_green_elsewhere_is_found_here_and_mended_where_it_can_be(shell: Shell) -> None:
    write(Path("policies"), false_greens())
    before = {p: p.read_bytes() for p in Path("policies").rglob("*.*")}
    dry = shell("policy", "lint", "--fix", "--dry-run", "--format", "json")
    assert dry.code == 3, dry.err
    assert places(dry.json) == WRONG
    assert all(f["message"] and f["hint"] for f in dry.json["findings"])
    hints = {f["rule"]: f["hint"] for f in dry.json["findings"]}
    assert hints["reference/unknown-input"] == 'did you mean "nonce"?'
    assert hints["rule/unused-name"] == 'did you mean "deny"?'
    assert {p: p.read_bytes() for p in before} == before
    # The package can be named; the test that had supplied its own deny, too.
    mends = {("layout/package-not-folder", "policies/" + f) for r, f, *_ in WRONG if r == "layout/package-not-folder"}
    assert {(m["rule"], m["file"]) for m in dry.json["mended"]} == mends
    assert (dry.json["written"], sorted(dry.json["changed"])) == (False, sorted(f for _, f in mends))
    would = shell("policy", "lint", "--fix", "--dry-run")
    assert "would mend 2 findings in 2 files; nothing was written" in would.lines
    told = "note     policy lint --fix mends what is mechanical, here up to 2 findings"
    assert told in shell("policy", "lint").lines
    done = shell("policy", "lint", "policies", "--fix", "--diff")
    assert done.code == 3
    assert "-package bspec.rules.global.tools.unbouned" in done.lines
    assert "+package bspec.rules.global.tools.no_admin_test" in done.lines
    assert "2 findings mended in 2 files" in done.lines
    left = places(shell("policy", "lint", "--format", "json").json)
    assert left == {w for w in WRONG if w[0] != "layout/package-not-folder"}


def test_mending_twice_is_mending_once(shell: Shell) -> None:
    """All that can be mended in one tree, until nothing is left to find; the second time nothing changes."""
    tree = clean_tree()
    spoilt(tree, RULE, "# METADATA", "#metadata:")
    spoilt(tree, TEST, "import data.bspec.testing\n", "import data.bspec.testing\nimport data.bspec.lib.order\n")
    gap = f"{RULES}/promotion/production/carried/carried.rego"
    spoilt(tree, gap, "#   effective_on", "\n#   effective_on")
    spoilt(tree, f"{RULES}/global/tools/unbounded/unbounded.rego", "\tnot t.range", "    not   t.range")
    spoilt(tree, f"{RULES}/promotion/all/requested/requested_test.rego", "all.requested_test", "all.requested")
    write(Path("policies"), tree)
    first = shell("policy", "lint", "--fix", "--format", "json")
    assert (first.code, first.json["findings"], first.json["written"]) == (0, [], True)
    assert {m["rule"] for m in first.json["mended"]} == {r.id for r in SHIPPED.values() if r.fixable}
    assert {
        p.relative_to("policies").as_posix(): p.read_text(encoding="utf-8") for p in Path("policies").rglob("*.*")
    } == clean_tree()
    second = shell("policy", "lint", "--fix", "--format", "json").json
    assert (second["mended"], second["changed"]) == ([], [])


def test_a_mend_that_brings_up_something_else_is_taken_back(shell: Shell) -> None:
    """With the mark in capitals OPA reads a METADATA that is worse than none."""
    tree = clean_tree()
    tree[RULE] = tree[RULE].replace("# METADATA", "# metadata").replace("severity: high", "severity: fatal")
    policies = write(Path("policies"), tree)
    result = shell("policy", "lint", "--fix")
    assert result.code == 3
    assert "0 findings mended in 0 files" in result.lines
    assert (policies / RULE).read_text(encoding="utf-8") == tree[RULE]


def test_formats_and_exit_codes(shell: Shell) -> None:
    tree = clean_tree()
    tree[RULE] = METADATA.replace("SOC2:CC8.1", "SOC:CC8.1") + PACKAGE + BODY
    write(Path("policies"), tree)
    text = shell("policy", "lint", "--fail-on-warn")
    assert text.code == 6
    assert text.lines == [
        "warning  metadata/unknown-framework  SOC:CC8.1 is of no framework that is known",
        f"         policies/{RULE}:8:5",
        "         8 | #   controls: [SOC:CC8.1]",
        "           |     ^^^^^^^^",
        *text.lines[4:-2],
        "",
        "0 errors, 1 warning in 17 files, 5 rules, 10 tests, 79 lint rules",
    ]
    assert text.lines[4].startswith("         write FRAMEWORK:ID, with one of AISVS")
    assert max(map(len, text.lines)) <= 80
    github = shell("policy", "lint", "--format", "github")
    assert github.code == 0
    place = f"file=policies/{RULE},line=8,col=5,endLine=8,endColumn=13"
    assert github.lines[0].startswith(f"::warning {place},title=metadata/unknown-framework::SOC%3ACC8.1 is of") or (
        github.lines[0].startswith(f"::warning {place},title=metadata/unknown-framework::SOC:CC8.1 is of")
    )
    (run,) = json.loads(shell("policy", "lint", "--format", "sarif").out)["runs"]
    (found,) = run["results"]
    assert (found["ruleId"], found["level"]) == ("metadata/unknown-framework", "warning")
    assert {r["id"] for r in run["tool"]["driver"]["rules"]} == set(SHIPPED)
    region = found["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 8, "startColumn": 5, "endColumn": 13}
    quiet = shell("policy", "lint", "--ignore", "metadata/unknown-framework", "--fail-on-warn")
    assert quiet.lines == ["clean in 17 files, 5 rules, 10 tests, 78 lint rules"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--ignore", "metadata/tdo"), 2, 'did you mean "metadata/todo"?; [lint.unknown-rule]'),
        (("--ignore", "rule/not-a-set"), 2, "[lint.unknown-rule]"),
        (("--dry-run",), 2, "give --fix, too"),
        (("--rules", "nowhere"), 3, "[lint.rules-invalid]"),
        (("nothing",), 3, "[bundle.no-rules]"),
    ],
)
def test_what_is_asked_for_wrongly(arguments: tuple[str, ...], code: int, reason: str, shell: Shell) -> None:
    write(Path("policies"), {RULE: METADATA + PACKAGE + BODY, "bspec/bspec.rego": clean_tree()["bspec/bspec.rego"]})
    result = shell("policy", "lint", *arguments)
    assert result.code == code, result.err
    assert all(part in result.err for part in reason.split("; ")), result.err


def test_an_empty_folder_is_an_error(shell: Shell) -> None:
    Path("policies").mkdir()
    result = shell("policy", "lint", "--format", "json")
    assert result.code == 3
    assert places(result.json) == {("layout/no-rules", "policies", 0, 0)}
    assert result.json["notes"] == ["nothing else was looked at, because there is no rule"]


FINDING = """\
deny contains {"msg": $"tool {t.id} asks for {t.privilege}", "path": $"{t.path}/privilege"} if {
\tsome t in input.intent.tools
"""
OTHER_FORMS = {
    "a set of strings": ('deny contains "admin" if {\n\tsome t in input.intent.tools\n', "item/not-an-object", 15),
    "one value": ('deny := "admin" if {\n\tsome t in input.intent.tools\n', "rule/not-a-set", 1),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_findings_of_another_form_hide_nothing(form: str, shell: Shell) -> None:
    """Without a schema, too, such a rule does not compile with its test: opa inspect refuses both."""
    written, rule, column = OTHER_FORMS[form]
    tree, name = clean_tree(), f"{RULES}/global/tools/no_admin/no_admin.rego"
    spoilt(tree, name, FINDING, written)
    spoilt(tree, RULE, "severity: high", "severity: hi")
    write(Path("policies"), tree)
    result = shell("policy", "lint", "--format", "json")
    assert result.code == 3, result.err
    found = places(result.json)
    assert {(r, c) for r, f, _, c in found if f == name} == {(rule, column)}
    assert {r for r, f, _, _ in found if f == RULE} == {"metadata/schema"}


def test_a_pack_is_linted_on_its_base(shell: Shell) -> None:
    """Findings are of the pack alone; what the base's fixtures hold is there."""
    shell.ok("policy", "new", "global/team/no_shell", "--owner", "team:payments")
    result = shell("policy", "lint", "--format", "json")
    assert result.code == 3
    rule = "bspec/rules/global/team/no_shell/no_shell"
    assert {(r, f) for r, f, *_ in places(result.json) if not r.startswith("metadata/")} == {
        ("test/failing", f"{rule}_test.rego"),
    }
    assert (result.json["counts"]["files"], result.json["counts"]["rules"]) == (2, 1)


@pytest.mark.soak
def test_a_rule_for_an_environment_that_the_base_does_not_know(shell: Shell) -> None:
    """It would never run. The base's data is right, so the finding is at the rule."""
    shell.ok("policy", "new", "promotion/staging/second_look", "--owner", "team:payments")
    rules = Path("policies/bspec/rules/promotion")
    (rules / "staging").rename(rules / "stging")
    for file in (rules / "stging").rglob("*.rego"):
        file.write_text(file.read_text(encoding="utf-8").replace(".staging.", ".stging."), encoding="utf-8")
    result = shell("policy", "lint", "--format", "json")
    rule = "bspec/rules/promotion/stging/second_look/second_look.rego"
    assert ("data/environment", rule, 0, 0) in places(result.json)
    for verb in (("policy", "test"), ("bundle", "build", "-o", "x.tar.gz", "--allow-unfinished")):
        refused = shell(*verb, "--format", "json")
        assert refused.code == 3
        assert [(p["code"], p["file"], p["message"]) for p in refused.json["problems"]] == [
            (
                "bundle.organisation-data",
                f"policies/{rule}",
                'there are rules for the environment "stging", which the data does not know',
            )
        ]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    from bspec_opa.authoring.lint.fixing import Mended
    from bspec_opa.authoring.lint.model import LintResult
    from bspec_opa.foundation.errors import StoreError
    from bspec_opa.workflow.authors.linting import write_mended

    for name in ("a", "b"):
        (tmp_path / name).write_text("new", encoding="utf-8")
    result = LintResult((), {}, 0, 0, 0, ())
    mended = Mended(result, {"a": b"new", "b": b"old"}, {"a": b"mended", "b": b"mended"}, ())
    with pytest.raises(StoreError, match="was changed meanwhile") as error:
        write_mended(tmp_path, mended)
    assert error.value.code == "lint.changed-meanwhile"
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new"


def test_the_example_of_the_page_finds_what_it_says(shell: Shell) -> None:
    """The lint rule that docs/lint.md shows, in a folder of a team's own."""
    page = Path(__file__).parents[2] / "docs" / "lint.md"
    rule, test = (
        page.read_text(encoding="utf-8").partition(f"```{fence}\n")[2].partition("\n```")[0]
        for fence in ("rego", "rego test")
    )
    write(Path("team-lint"), {"team/named_tool.rego": f"{rule}\n", "team/named_tool_test.rego": f"{test}\n"})
    write(Path("policies"), clean_tree())
    result = shell("policy", "lint", "--rules", "team-lint", "--format", "json", "--fail-on-warn")
    assert result.code == 6, result.err
    assert {(r, f) for r, f, *_ in places(result.json)} == {
        ("team/named-tool", RULE),
        ("team/named-tool", f"{RULES}/promotion/all/requested/requested.rego"),
        ("team/named-tool", f"{RULES}/promotion/production/carried/carried.rego"),
    }


def test_what_a_test_puts_in_place_of_a_library_is_no_proof(shell: Shell) -> None:
    shell.ok("policy", "new", "global/team/no_shell", "--owner", "team:payments")
    rule = Path("policies/bspec/rules/global/team/no_shell/no_shell.rego")
    words = Path("policies/bspec/lib/words/words.rego")
    words.parent.mkdir(parents=True)
    head = "# METADATA\n# title: Words\n# description: Classes that no agent has.\npackage bspec.lib.words\n\n"
    words.write_text(head + 'bad := {"bash"}\n', encoding="utf-8")
    text = rule.read_text(encoding="utf-8").replace('t.class == "TODO"', "t.class in words.bad")
    text = text.replace(".no_shell\n", ".no_shell\n\nimport data.bspec.lib.words\n", 1)
    rule.write_text(text, encoding="utf-8")
    test = rule.with_name("no_shell_test.rego")
    replaced = 'with data.bspec.lib.words.bad as {"shell"}\n\t\twith input.intent.tools'
    text = test.read_text(encoding="utf-8").replace("with input.intent.tools", replaced, 1)
    test.write_text(text, encoding="utf-8")
    result = shell("policy", "lint", "--format", "json")
    found = {r for r, *_ in places(result.json) if r.startswith("test/")}
    assert (result.code, found) == (3, {"test/both-outcomes"})


@pytest.mark.soak
def test_a_rule_that_select_leaves_out_everywhere_is_told(shell: Shell) -> None:
    """Its tests pass and it is built; no decision ever asks it."""
    shell.ok("policy", "new", "global/team/no_shell", "--owner", "team:payments")
    data = json.loads(LIBRARY_DATA.read_text(encoding="utf-8"))
    data["select"]["exclude"] = ["global.team.no_shell"]
    own = Path("policies/bspec/org/data.json")
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps(data), encoding="utf-8")
    found = places(shell("policy", "lint", "--format", "json").json)
    assert ("data/idle-rule", "bspec/org/data.json", 0, 0) in found
    build = ("bundle", "build", "-o", "x.tar.gz", "--allow-unfinished", "--format", "json")
    notes = shell.ok(*build).json["notes"]
    assert notes[-1] == "1 rule never runs: select leaves it out at every tier: global.team.no_shell"
    data["select"] = {"include": ["*"], "exclude": [], "tiers": [{"tier": "low", "include": [], "exclude": ["@team"]}]}
    own.write_text(json.dumps(data), encoding="utf-8")
    assert not [f for f in places(shell("policy", "lint", "--format", "json").json) if f[0].startswith("data/")]
