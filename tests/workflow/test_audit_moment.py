"""What could it do then, who said so, and on what evidence: reconstructed from the ledger alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, HOUR, NOW
from world import key_of

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.report.audit.moment import moment_json, moment_text
from bspec_opa.report.writing.style import PLAIN
from bspec_opa.workflow.audit.moment import audit_at, capabilities_of

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.workflow.audit.moment import Authorised, Moment

OTHER = "other-agent"


def at(project: Project, when: str | int, agent: str = "", environment: str = "") -> Moment:
    text = when if isinstance(when, str) else format_time(when)
    return audit_at(project.root, project.world, text, agent=agent, environment=environment)


def states(moment: Moment) -> dict[tuple[str, str], tuple[str, str]]:
    return {(a.agent, a.environment): (a.state, a.version) for a in moment.agents if a.agent == AGENT}


def only(moment: Moment) -> Authorised:
    (found,) = moment.agents
    return found


def test_a_position_after_each_decision(grown: Project) -> None:
    nothing = {(AGENT, "staging"): ("nothing", ""), (AGENT, "production"): ("nothing", "")}
    staged = nothing | {(AGENT, "staging"): ("authorised", "1.0.0")}
    live = staged | {(AGENT, "production"): ("authorised", "1.0.0")}
    grown_ = live | {(AGENT, "staging"): ("authorised", "1.1.0")}
    found = {n: states(at(grown, str(n))) for n in (7, 8, 12, 13, 24, 25)}
    assert found == {7: nothing, 8: staged, 12: staged, 13: live, 24: live, 25: grown_}
    assert states(at(grown, "entry:13")) == live


def test_a_time_between_decisions(grown: Project) -> None:
    moments = [at(grown, t, AGENT) for t in (NOW - HOUR, NOW, NOW + 3 * DAY - 1, NOW + 3 * DAY, grown.now)]
    assert [(m.position, *(v for _, v in states(m).values())) for m in moments] == [
        (0, "", ""),
        (9, "1.0.0", ""),
        (9, "1.0.0", ""),
        (14, "1.0.0", "1.0.0"),
        (26, "1.1.0", "1.0.0"),
    ]
    assert {(m.tree_size, m.root_then, m.exit_code) for m in moments} == {(26, 1, ExitCode.OK)}


def test_what_it_could_do_who_said_so_and_on_what_evidence(grown: Project) -> None:
    before, after = (only(at(grown, n, AGENT, "staging")) for n in ("13", "25"))
    assert "limit max_steps is 20" in before.capabilities
    assert "limit max_steps is 30" in after.capabilities
    assert {c for c in before.capabilities if c.startswith("tool ")} == {
        c for c in after.capabilities if c.startswith("tool billing_read_api at privilege read")
    }
    line = after.line
    assert line is not None
    assert {(a.principal, a.role, a.entry >= 0) for a in line.approvals} == {
        ("dana", "environment-admin", True),
        ("sam", "security", True),
        ("rita", "risk-owner", True),
    }
    assert sorted(r.about for r in line.runs) == [
        "boundary (functional) 250/250",
        "boundary (red-team) 250/250",
        "constraint (adversarial) 250/250",
        "constraint (functional) 250/250",
        "privilege (functional) 250/250",
    ]
    assert after.rules > 50


def test_before_there_was_any_trust_root(live: Project) -> None:
    moment = at(live, "2020-01-01T00:00:00Z")
    assert (moment.agents, moment.root_then, moment.position) == ((), 0, 0)
    assert "no trust root had been issued: nobody could be promoted" in moment.notes


def test_a_line_is_revoked_from_a_moment_on(grown: Project) -> None:
    """Until then it was authorised, and is marked; from then on the gate saw the line before it as current."""
    grown.revoke("record", grown.ledger().entries[25].record_id, "approved in error")
    before, after = (only(at(grown, t, AGENT, "staging")) for t in (grown.now - 1, grown.now))
    assert (before.state, before.version) == ("authorised", "1.1.0")
    assert before.line is not None
    assert [(of, s.reason) for of, s in before.line.everything_since] == [("promotion line 3", "approved in error")]
    assert (after.state, after.version) == ("authorised", "1.0.0")


def test_the_only_line_is_revoked(live: Project) -> None:
    live.revoke("record", live.ledger().entries[13].record_id, "approved in error")
    after = only(at(live, live.now, AGENT, "production"))
    assert after.state == "nothing"
    assert after.why.startswith("ledger entry 13 did not count: record sha256:")
    assert after.why.endswith("is revoked by trust root version 2: approved in error")
    assert only(at(live, live.now - 1, AGENT, "production")).state == "authorised"


def test_an_evaluator_who_was_compromised_later(live: Project) -> None:
    live.revoke("key", key_of("eve").keyid, "harness broken into")
    moment = at(live, "13", AGENT, "production")
    found = only(moment)
    assert found.state == "authorised"
    assert found.line is not None
    assert {(of, s.kind, s.version) for of, s in found.line.everything_since} == {("evidence by eve", "key", 2)}
    assert len(found.line.everything_since) == 5
    assert (moment.root_then, moment.root_now) == (1, 2)


def test_a_publisher_or_bundle_that_is_no_longer_accepted(live: Project) -> None:
    """Bundles are judged by the root of then, too."""
    live.now += DAY

    def other(root: Any) -> None:
        for policy in root["policies"]:
            policy["bundles"][0]["digest"] = "sha256:" + "0" * 64

    live.next_root(other)
    assert only(at(live, "13", AGENT, "production")).state == "authorised"


@pytest.mark.attack("A76")
def test_a_line_that_was_forged_is_not_proven(live: Project) -> None:
    """The gate's and the ledger's genuine keys, stolen; the rest of the answer is given all the same."""
    live.now += HOUR
    line = live.lock.read_bytes().splitlines()[-1] + b"\n"

    def invented(predicate: Any) -> None:
        moment = format_time(live.now)
        predicate.update(now=moment, signed_at=moment, nonce="0" * 32, decided_on=live.ledger().head())
        predicate["approvals"] = [{"id": "sha256:" + "0" * 64, "principal": "mallory", "role": "security"}]

    live.append(("promotion", live.reforge(line, invented, by="gate")))
    moment = at(live, "14", AGENT)
    assert states(moment) == {(AGENT, "staging"): ("authorised", "1.0.0"), (AGENT, "production"): ("not-proven", "")}
    assert moment.exit_code == ExitCode.TRUST
    production = moment.agents[1]
    assert production.why == "was not decided when it was sequenced [verify.facts-differ]"
    assert production.capabilities == ()
    assert states(at(live, "13", AGENT))[AGENT, "production"] == ("authorised", "1.0.0")
    assert "NOT PROVEN  billing-support → production" in moment_text(moment, PLAIN)


def test_what_was_decided_on_is_missing(live: Project) -> None:
    digest = json.loads(json.dumps(dict(live.verify().lines[1].binding)))["entries"][0]["digest"]
    (live.state / "objects" / "sha256" / digest.removeprefix("sha256:")).unlink()
    found = only(at(live, "13", AGENT, "production"))
    assert found.state == "not-proven"
    said = f"can't be proven, for this is not stored here: the catalog entry of support-optimized-model-v1 {digest}"
    assert found.why == f"{said} [ledger.object-missing]"


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("yesterday", "'yesterday' is no time and no ledger entry"),
        ("", "'' is no time and no ledger entry"),
        ("14", "there is no ledger entry 14"),
        ("-1", "'-1' is no time and no ledger entry"),
        ("2026-06-31T00:00:00Z", "'2026-06-31T00:00:00Z' is no time"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z is in the future: it is 2026-06-04T12:00:00Z"),
    ],
)
def test_what_is_no_moment(live: Project, when: str, message: str) -> None:
    with live.refused("audit.bad-moment", ExitCode.USAGE, message):
        at(live, when)


def test_an_overlay_limits_one_environment() -> None:
    from intents import TEXT

    from bspec_opa.intent.load import load_intent

    text = TEXT.replace("  staging:\n", "  staging:\n    constraints: {limits: {max_steps: 5}}\n", 1)
    surface = load_intent(text.encode(), "behavior.intent").surface
    found = {e: [c for c in capabilities_of(surface, e) if "max_steps" in c] for e in ("staging", "production")}
    assert found == {"staging": ["limit max_steps is 5"], "production": ["limit max_steps is 20"]}


def test_the_text_fits_80_columns_and_the_json_says_the_same(grown: Project) -> None:
    grown.revoke("key", key_of("eve").keyid, "the harness was compromised, and nobody noticed for a week or two")
    moment = at(grown, "25")
    lines = moment_text(moment, PLAIN).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert lines[0] == "AUDIT  at 2026-06-05T13:00:00Z"
    assert "NOTHING  1 agent without any line" in lines
    document: Any = moment_json(moment)
    assert [(a["agent"], a["environment"], a["state"]) for a in document["agents"]] == [
        (AGENT, "staging", "authorised"),
        (AGENT, "production", "authorised"),
        (OTHER, "staging", "nothing"),
        (OTHER, "production", "nothing"),
    ]
    assert {s["of"] for s in document["agents"][0]["line"][0]["since"]} == {"evidence by eve"}
