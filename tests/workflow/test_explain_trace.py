"""OPA's trace of rules in every form that authors write, and what can be read from a source without OPA."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.workflow.explain.rego_text import blocks_of, blocks_saying, references_of
from bspec_opa.workflow.explain.trace import Trace, value_of, within
from bspec_opa.workflow.explain.values import at_reference, value_at

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject

FILE = "bspec/rules/global/x/y/y.rego"
SOURCE = """\
# METADATA
# title: input.comments do not count
package bspec.rules.global.x.y

import data.bspec.lib.sums

# one line
deny contains {"msg": "always } here", "path": ""}

deny contains {"msg": $"{t.id} has {t.n}", "path": $"/tools/{t.id}"} if some t in input.tools

deny contains {
	"msg": "two \\"ways\\" {in}", # if { this counted
	"path": "/p",
	"needs": {"kind": "approval", "count": sums.double(1)},
} if {
	some t in input.tools
	t.n > data.bspec.org.most
	not t.fine
}

deny contains {"msg": `raw } "text`, "path": ""} if {
	total := sum([t.n | some t in input.tools; t.n > 0])
	total * 2 > sums.double(input.least) + 1
	"b" in names
	names == {"a", "b"}
	input.flags[input.which] == 1.5
}

warn contains {"msg": "warned", "path": ""} if {
	input.other.thing
}

names contains t.id if some t in input.tools
"""
LIBRARY = "package bspec.lib.sums\n\nimport data.bspec.lib.more\n\ndouble(n) := n * 2\n\nscaled := input.deep.scale\n"
INPUT: dict[str, Any] = {
    "tools": [{"id": "a", "n": 1, "fine": False}, {"id": "b", "n": 7, "fine": False}],
    "least": 3,
    "which": "w",
    "flags": {"w": 1.5},
    "other": {"thing": True},
}


@pytest.fixture(scope="module")
def traced(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("traced")
    (folder / FILE).parent.mkdir(parents=True)
    (folder / FILE).write_text(SOURCE, encoding="utf-8")
    (folder / "bspec/lib/sums").mkdir(parents=True)
    (folder / "bspec/lib/sums/sums.rego").write_text(LIBRARY, encoding="utf-8")
    (folder / "data.json").write_text('{"bspec": {"org": {"most": 5}}}', encoding="utf-8")
    query = "x := [[v | v := data.bspec.rules.global.x.y.deny], [v | v := data.bspec.rules.global.x.y.warn]]"
    arguments = ["eval", "--explain", "full", "-f", "json", "-I", "-d", "bspec", "-d", "data.json", query]
    out = Opa(opa_path).run(arguments, cwd=folder, stdin=json.dumps(INPUT).encode())
    events: list[dict[str, Any]] = json.loads(out)["explanation"]
    return events


def path_of(
    traced: list[dict[str, Any]], finding: JsonObject
) -> tuple[int, tuple[int, ...], list[tuple[int, str, Any]]]:
    fired = Trace([traced]).fired(FILE, finding)
    assert fired is not None
    (block,) = (b for b in blocks_of(SOURCE) if b.start == fired.start)
    seen = within(fired.seen, block.body, block.start + len(block.lines))
    return fired.start, fired.evaluated, [(s.line, s.text, s.value) for s in seen]


def test_a_head_alone_has_nothing_to_see(traced: list[dict[str, Any]]) -> None:
    start, _, seen = path_of(traced, {"msg": "always } here", "path": ""})
    assert (start, seen) == (8, [])


@pytest.mark.parametrize("tool", INPUT["tools"], ids=lambda t: str(t["id"]))
def test_each_finding_has_the_values_of_its_own_path(traced: list[dict[str, Any]], tool: dict[str, Any]) -> None:
    finding: JsonObject = {"msg": f"{tool['id']} has {tool['n']}", "path": f"/tools/{tool['id']}"}
    start, evaluated, seen = path_of(traced, finding)
    assert (start, evaluated) == (10, (10,))
    assert seen == [(10, "t", tool)]


def test_needs_are_compared_as_they_are_read(traced: list[dict[str, Any]]) -> None:
    finding: JsonObject = {"msg": 'two "ways" {in}', "path": "/p", "needs": {"kind": "approval", "count": 2}}
    start, evaluated, seen = path_of(traced, finding)
    assert (start, evaluated) == (12, (17, 18, 19))
    assert seen == [(17, "t", INPUT["tools"][1]), (18, "t.n", 7), (18, "bspec.org.most", 5)]


def test_calls_operators_sets_and_computed_keys_are_shown_as_they_were_written(traced: list[dict[str, Any]]) -> None:
    start, evaluated, seen = path_of(traced, {"msg": 'raw } "text', "path": ""})
    assert (start, evaluated) == (22, (23, 24, 25, 26, 27))
    assert [s for s in seen if s[0] != 23] == [
        (24, "total * 2", 16),
        (24, "sums.double(input.least) + 1", 7),
        (24, "sums.double(input.least)", 6),
        (24, "input.least", 3),
        (25, "names", ["a", "b"]),
        (27, "input.which", "w"),
    ]
    assert [s for s in seen if s[0] == 23 and s[1] == "total"] == [(23, "total", 8)]


def test_what_was_not_found_has_no_path(traced: list[dict[str, Any]]) -> None:
    assert Trace([traced]).fired(FILE, {"msg": "a has 7", "path": "/tools/a"}) is None
    assert Trace([traced]).fired("bspec/rules/global/x/z/z.rego", {"msg": "warned", "path": ""}) is None


def test_a_warning_is_found_among_the_warnings(traced: list[dict[str, Any]]) -> None:
    assert path_of(traced, {"msg": "warned", "path": ""})[:2] == (30, (31,))


def test_blocks_end_where_they_end() -> None:
    assert [(b.kind, b.start, len(b.lines), b.body[0]) for b in blocks_of(SOURCE)] == [
        ("deny", 8, 1, 9),
        ("deny", 10, 1, 10),
        ("deny", 12, 9, 16),
        ("deny", 22, 7, 22),
        ("warn", 30, 3, 30),
    ]
    lines = SOURCE.split("\n")
    ends = [lines[b.body[0] - 1][: b.body[1] - 1].split()[-1] for b in blocks_of(SOURCE)[1:]]
    assert ends == ["if"] * 4


@pytest.mark.parametrize(
    ("message", "starts"),
    [
        ("always } here", [8]),
        ("b has 7", [10]),
        ('two "ways" {in}', [12]),
        # Nothing says it: every block is shown rather than a wrong one.
        ("unheard of", [8, 10, 12, 22, 30]),
    ],
)
def test_without_opa_a_block_is_known_by_its_message(message: str, starts: list[int]) -> None:
    assert [b.start for b in blocks_saying(blocks_of(SOURCE), message)] == starts


def test_references_are_followed_into_the_library_and_no_further_than_the_bundle() -> None:
    team = b"package bspec.lib.team.more\n\nx := input.by.team\n"
    library = LIBRARY.replace("data.bspec.lib.more", "data.bspec.lib.team.more.x").encode()
    files = {FILE: SOURCE.encode(), "bspec/lib/sums/sums.rego": library, "bspec/lib/team/more/more.rego": team}
    assert references_of(FILE, files) == (
        "data.bspec.org.most",
        "input.by.team",
        "input.deep.scale",
        "input.flags",
        "input.least",
        "input.other.thing",
        "input.tools",
        "input.which",
    )


def test_terms_become_json() -> None:
    number = {"type": "number", "value": 1}
    assert value_of({"type": "set", "value": [{"type": "string", "value": "b"}, {"type": "string", "value": "a"}]}) == [
        "a",
        "b",
    ]
    assert value_of({"type": "object", "value": [[{"type": "string", "value": "k"}, number]]}) == {"k": 1}
    assert value_of({"type": "var", "value": "x"}, {"x": 3}) == 3
    assert value_of({"type": "null", "value": None}) is None
    assert value_of({"type": "number", "value": 1.5}) == "1.5"
    assert value_of({"type": "number", "value": 10**15}) == "1000000000000000"


def test_values_by_reference_and_by_pointer() -> None:
    intent: JsonObject = {
        "purpose": "p",
        "tools": [{"id": "a", "path": "/tools/0", "data": "public"}, {"id": "b", "path": "/tools/1", "data": "x"}],
    }
    assert at_reference({"input": {"a": {"b": 1}}}, "input.a.b") == 1
    assert at_reference({"input": {"a": 1}}, "input.a.b") is None
    assert value_at({"intent": intent}, "/tools/1/data") == "x"
    assert value_at({"intent": intent}, "/purpose") == "p"
    assert value_at({"intent": intent}, "/tools/2") is None
