"""Retirements: from their ledger entry on there is nothing of the agent to deploy or to promote there, for ever."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from project import AGENT, HOUR
from world import key_of, refused

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.trust.withdrawal import scope_digest
from bspec_opa.workflow.audit.history import history_of
from bspec_opa.workflow.audit.moment import audit_at
from bspec_opa.workflow.currency.heads import heads_of
from bspec_opa.workflow.evaluate import delegates
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.retiring import retire
from bspec_opa.workflow.verifying.showing import open_lock

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.life.retiring import Retired

SAID = "was retired at ledger entry 14 of 2026-06-04T13:00:00Z by pat: replaced"


def retired(
    project: Project, environment: str = "", *, agent: str = AGENT, by: str = "pat", record: bool = True
) -> Retired:
    opened = open_authentic(project.root, project.world)
    return retire(opened, agent, environment, "replaced", (key_of(by), key_of("ledger") if record else None))


def test_nothing_of_it_is_to_be_deployed_or_promoted_there(live: Project) -> None:
    staging, production = live.base / "staging.json", live.base / "production.json"
    staging.write_text(json.dumps(live.deployed(0)), encoding="utf-8")
    production.write_text(json.dumps(live.deployed(1)), encoding="utf-8")
    live.now += HOUR
    done = retired(live, "production")
    assert [(e.environment, e.line, e.put.entry) for e in done.ended] == [("production", live.deployed(1)["line"], 14)]
    for arguments in ((), (production, "production")):
        with live.refused("verify.retired", ExitCode.TRUST, f"the agent {SAID}"):
            live.verify(*arguments)
    assert live.verify(staging, "staging").lines
    for act in (live.evaluate, live.promote):
        with live.refused("promotion.retired", ExitCode.DENIED, f"{AGENT} in production {SAID}"):
            act("production")
    with live.refused("promotion.retired", ExitCode.DENIED):
        live.approve("security", "production")
    with live.refused("promotion.retired", ExitCode.DENIED):
        live.request("production")
    assert len(open_lock(live.lock)) == 2
    assert live.session().history.standing("production") is None
    assert live.session().history.standing("staging") is not None


def test_the_past_keeps_what_was_so(live: Project) -> None:
    live.now += HOUR
    retired(live, "production")
    found = audit_at(live.root, live.world, "13", agent=AGENT, environment="production").agents[0]
    assert (found.state, found.version) == ("authorised", "1.0.0")
    now = audit_at(live.root, live.world, "14", agent=AGENT, environment="production").agents[0]
    assert (now.state, now.why, now.capabilities) == ("nothing", f"the agent {SAID}", ())
    assert now.line is not None
    events = history_of(live.root, live.world, AGENT, environment="production", denials=False).environments[0][1]
    assert [(e.state, e.entry, e.why) for e in events] == [("retired", 14, f"the agent {SAID}"), ("retired", 13, "")]


def test_everywhere(live: Project) -> None:
    done = retired(live)
    assert [(e.environment, e.put.entry) for e in done.ended] == [("staging", 14), ("production", 15)]
    with refused("promotion.retired"):
        live.evaluate("staging")


@pytest.mark.soak
def test_a_head_statement_says_so(live: Project) -> None:
    live.now += HOUR
    retired(live, "production")
    opened = open_authentic(live.root, live.world)
    found = heads_of(opened.ledger.entries, opened.anchor.roots, live.now)
    assert [(h.environment, h.state) for h in found] == [("production", "retired"), ("staging", "current")]


def test_once_only_and_only_where_it_is_left(live: Project) -> None:
    retired(live, "staging")
    with refused("revoke.already") as e:
        retired(live, "staging")
    assert "was retired at ledger entry 14" in str(e.value)
    done = retired(live)
    assert ([x.environment for x in done.ended], done.before) == (["production"], ("staging",))


def test_before_it_was_ever_promoted(resolved: Project) -> None:
    done = retired(resolved, "staging")
    assert [(e.line, e.put.entry) for e in done.ended] == [("", 0)]
    with refused("promotion.retired"):
        resolved.evaluate("staging")


def test_unknown_names(live: Project) -> None:
    with refused("trust.unknown-environment"):
        retired(live, "produktion")
    with refused("trust.unknown-agent"):
        retired(live, "production", agent="billing-suport")


@pytest.mark.soak
def test_in_the_inbox_it_is_advice(live: Project) -> None:
    done = retired(live, "production", record=False)
    assert done.ended[0].put.entry == -1
    assert live.verify().lines
    with refused("promotion.retired") as e:
        live.evaluate("production")
    assert "was retired (not recorded yet) by pat" in str(e.value)
    live.record()
    with live.refused("verify.retired", ExitCode.TRUST):
        live.verify()


@pytest.mark.attack("A14")
@pytest.mark.parametrize("by", ["alice", "eve", "dana", "gate", "ledger", "root-1"])
def test_only_a_retirer_retires(live: Project, by: str) -> None:
    before = live.files()
    with pytest.raises(BspecError) as e:
        retired(live, by=by)
    assert e.value.code in {"trust.role-not-granted", "trust.wrong-purpose", "trust.unknown-key"}
    assert live.files() == before


@pytest.mark.attack("A77")
def test_of_another_agent_environment_or_domain_it_ends_nothing(live: Project) -> None:
    own: JsonObject = {"environment": "production", "reason": "x"}
    here: JsonObject = {"domain": "billing", "agent": AGENT, "environment": "production"}
    forged = [
        live.forge("retirement", own, by=by, subjects={"agent": scope_digest({**here, **scope})}, **common)
        for scope, by, common in (
            ({"environment": "staging"}, "pat", {}),
            ({"agent": "other-agent"}, "pat", {}),
            ({"domain": "another"}, "pat", {"domain": "another"}),
            ({"agent": "other-agent"}, "pat", {"agent": "other-agent"}),
            ({}, "dana", {}),
        )
    ]
    live.append(*(("retirement", f) for f in forged))
    history = live.session().history
    assert history.withdrawals.retired == {}
    assert [r.code for r in history.rejected] == [
        "trust.wrong-subjects",
        "trust.wrong-subjects",
        "trust.foreign-domain",
        "trust.role-not-granted",
    ]
    assert live.verify().lines


@pytest.mark.attack("A76")
def test_a_stolen_gate_key_promotes_nothing_that_is_retired(staged: Project) -> None:
    """A line that was genuine before the retirement stands after it."""
    forged = staged.lines()[-1] + b"\n"
    entries = staged.ledger().entries
    subjects = {"agent": scope_digest({"domain": "billing", "agent": AGENT, "environment": "staging"})}
    end = staged.forge("retirement", {"environment": "staging", "reason": "x"}, by="pat", subjects=subjects)
    shutil.rmtree(staged.state / "ledger")
    shutil.rmtree(staged.base / "state")
    staged.append(*((e.kind, e.record_bytes()) for e in entries[:-1]), ("retirement", end))
    staged.append(
        ("promotion", staged.reforge(forged, lambda p: p.update(decided_on=staged.ledger().head()), by="gate"))
    )
    staged.lock.write_bytes(staged.ledger().entries[-1].record_bytes())
    with staged.refused("verify.facts-differ", ExitCode.TRUST, "although the agent was retired"):
        staged.verify()


def test_an_agent_may_not_delegate_to_one_that_is_retired(live: Project) -> None:
    retired(live, "production")
    session = live.session()
    object.__setattr__(session.loaded.intent.constraints, "delegation", (AGENT,))
    assert delegates(session, session.environment("production")) == frozenset()
    assert delegates(session, session.environment("staging")) == {AGENT}
