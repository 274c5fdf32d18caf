"""The history of an agent: every line with who stood behind it, and what became known later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY
from world import key_of

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.audit.history import history_json, history_text
from bspec_opa.report.writing.style import PLAIN
from bspec_opa.workflow.audit.history import history_of

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.workflow.audit.history import AgentHistory


def history(project: Project, environment: str = "", *, denials: bool = False) -> AgentHistory:
    return history_of(project.root, project.world, AGENT, environment=environment, denials=denials)


def events(found: AgentHistory) -> dict[str, list[tuple[str, str, int]]]:
    """Environment to state, version and entry of each event."""
    return {name: [(e.state, e.version, e.entry) for e in events] for name, events in found.environments}


def test_lines_the_newest_first(grown: Project) -> None:
    found = history(grown)
    assert events(found) == {
        "staging": [("current", "1.1.0", 25), ("superseded", "1.0.0", 8)],
        "production": [("current", "1.0.0", 13)],
    }
    (first, _), ((_, (production,))) = found.environments[0][1], found.environments[1]
    line = first.line
    assert line is not None
    assert (line.number, line.at, line.gate, line.request.principal) == (3, "2026-06-05T13:00:00Z", "gate", "pat")
    assert {(a.principal, a.role) for a in line.approvals} == {
        ("dana", "environment-admin"),
        ("sam", "security"),
        ("rita", "risk-owner"),
    }
    assert [a.entry for a in line.approvals] == sorted(a.entry for a in line.approvals)
    assert [s.principal for s in line.submits] == ["alice"]
    assert {r.principal for r in line.runs} == {"eve"}
    assert (line.change.verdict, [what for _, _, what in line.change.items]) == (
        "expansion",
        ["limit max_steps goes from 20 to 30"],
    )
    assert production.line is not None
    assert production.line.change.verdict == "initial"
    assert (found.tree_size, found.root_version) == (26, 1)


def test_denials_on_demand(grown: Project) -> None:
    found = history(grown, "staging", denials=True)
    assert events(found) == {
        "staging": [("current", "1.1.0", 25), ("pending", "1.1.0", 14), ("superseded", "1.0.0", 8)]
    }
    denial = found.environments[0][1][1].denial
    assert denial is not None
    assert "promotion.all.approvals" in denial.rules
    assert denial.gate == "gate"
    assert (found.denied, history(grown, "staging").denied, history(grown, "production").denied) == (0, 1, 0)


def test_what_was_only_denied_is_not_said_to_be_nothing(staged: Project) -> None:
    staged.denied("production")
    found = history(staged, "production")
    assert (found.environments, found.denied) == ((), 1)
    assert "\n  no line; 1 promotion was not allowed (--denials lists them)\n" in history_text(found, PLAIN)
    assert "nothing was decided" not in history_text(found, PLAIN)


def test_an_agent_without_any_line(live: Project) -> None:
    found = history_of(live.root, live.world, "other-agent", environment="", denials=True)
    assert found.environments == ()
    assert "  nothing was decided\n" in history_text(found, PLAIN)


@pytest.mark.parametrize(
    ("agent", "environment", "code"),
    [("billing-supporter", "", "audit.unknown-agent"), (AGENT, "stage", "audit.unknown-environment")],
)
def test_names_that_nobody_knows(live: Project, agent: str, environment: str, code: str) -> None:
    with live.refused(code, ExitCode.INVALID):
        history_of(live.root, live.world, agent, environment=environment, denials=False)


def test_without_a_ledger_or_a_pin(resolved: Project) -> None:
    with resolved.refused("audit.no-ledger", ExitCode.USAGE):
        history(resolved)
    resolved.pin = None
    with resolved.refused("trust.no-pin", ExitCode.TRUST):
        history(resolved)


def test_a_line_that_was_revoked(grown: Project) -> None:
    """The line before it is current again, as the gate sees it; what was revoked stays in the history, and says why."""
    grown.revoke("record", grown.ledger().entries[25].record_id, "approved in error")
    found = history(grown, "staging")
    assert events(found) == {"staging": [("revoked", "1.1.0", 25), ("current", "1.0.0", 8)]}
    event = found.environments[0][1][0]
    assert event.why.endswith("is revoked by trust root version 2: approved in error")
    assert event.line is not None
    assert [(s.kind, s.version, s.at, s.reason) for s in event.line.since] == [
        ("record", 2, "2026-06-06T13:00:00Z", "approved in error")
    ]


def test_a_key_that_was_compromised_later(grown: Project) -> None:
    """Every line that rests on it says so; the line itself stays what it was."""
    grown.revoke("key", key_of("sam").keyid, "laptop stolen")
    found = history(grown)
    said = {
        e.entry: [(of, s.reason) for of, s in e.line.everything_since]
        for _, es in found.environments
        for e in es
        if e.line
    }
    assert said == {
        25: [("approval by sam", "laptop stolen")],
        13: [("approval by sam", "laptop stolen")],
        8: [],
    }
    text = history_text(found, PLAIN)
    assert text.count("SINCE THEN approval by sam: its key was revoked by trust root version 2 of") == 2


@pytest.mark.attack("A14")
def test_a_line_that_never_counted(live: Project) -> None:
    """Somebody who can write the ledger, and holds no gate key."""
    line = live.lock.read_bytes().splitlines()[-1] + b"\n"
    live.append(("promotion", live.reforge(line, lambda p: p.update(nonce="0" * 32), by="dana")))
    found = history(live, "production")
    assert events(found) == {"production": [("void", "", 14), ("current", "1.0.0", 13)]}
    assert "dana doesn't hold role gate" in found.environments[0][1][0].why


def test_the_past_of_a_gate_that_has_another_key_now(live: Project) -> None:
    """A new gate key doesn't undo what the old one promoted, and takes nothing from its history."""
    before = events(history(live))

    def rotated(root: Any) -> None:
        gate = next(p for p in root["principals"] if p["id"] == "gate")
        spare = next(p for p in root["principals"] if p["id"] == "bob")
        root["principals"].remove(spare)
        root["grants"] = [g for g in root["grants"] if g["principal"] != "bob"]
        old, new = gate["keys"][0], spare["keys"][0]
        gate["keys"] = [new]
        root["keys"] = [k | ({"purpose": "gate"} if k["id"] == new else {}) for k in root["keys"] if k["id"] != old]

    live.now += DAY
    live.next_root(rotated)
    assert events(history(live)) == before


def test_the_text_fits_80_columns_and_the_json_says_the_same(grown: Project) -> None:
    grown.revoke("key", key_of("eve").keyid, "the harness was compromised, and nobody noticed for a week or two")
    found = history(grown, denials=True)
    lines = history_text(found, PLAIN).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    document: Any = history_json(found)
    assert [e["environment"] for e in document["environments"]] == ["staging", "production"]
    line = document["environments"][0]["events"][0]["line"][0]
    assert {s["of"] for s in line["since"]} == {"evidence by eve"}
    assert {a["principal"] for a in line["approvals"]} == {"dana", "sam", "rita"}
    assert all(14 < a["entry"] < 25 for a in line["approvals"])
