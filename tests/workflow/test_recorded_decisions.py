"""Recorded decisions that are not what they say: neither explained nor compared on."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.report.decision.impact import Impact, impact_json, render_impact
from bspec_opa.workflow.controls.auditing import audit
from bspec_opa.workflow.explain.explain import explain
from bspec_opa.workflow.impact.compared import Compared
from bspec_opa.workflow.impact.comparing import comparing
from bspec_opa.workflow.impact.impact import Wanted, prepare

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.workflow.impact.impact import Prepared


def compared(project: Project, candidate: str = "default", *, every: bool = True) -> Impact:
    """The candidate on the project's ledger."""
    with contextlib.chdir(project.root), prepare(Wanted(candidate, None, (), None, every), project.world) as prepared:
        return _run(prepared)


def audited(project: Project, entry: int) -> Any:
    """The report on an entry."""
    with contextlib.chdir(project.root):
        world = project.world
        return audit(Path(), world, environment="", framework="", entry=entry, conforms=lambda _name, _value: [])


def _run(prepared: Prepared) -> Impact:
    impact = Impact(prepared)
    with comparing(prepared.task) as compare:
        for item in prepared.chosen.items:
            found: Compared | BspecError
            try:
                found = compare(item)
            except BspecError as e:
                found = e
            impact.add(item.name, found)
    return impact


def forge(project: Project) -> int:
    """A denial whose gate lies about a rule, with the gate's genuine key; the number of its entry."""

    def lie(predicate: Any) -> None:
        assert predicate["decision"]["rules"][0]["status"] == "pass"
        predicate["decision"]["rules"][0]["status"] = "deny"

    (denial,) = (e for e in project.ledger().entries if e.kind == "denial")
    forged = project.reforge(denial.record_bytes(), lie, by="gate")
    return project.append(("denial", forged)).entries[-1].seq


@pytest.mark.attack("A76")
def test_a_decision_that_is_not_reproduced_is_neither_explained_nor_compared_on(resolved: Project) -> None:
    resolved.promote("staging")
    forged = forge(resolved)
    with contextlib.chdir(resolved.root):
        with pytest.raises(BspecError) as raised:
            explain(f"entry:{forged}", None, None, resolved.world)
        assert explain(f"entry:{forged - 1}", None, None, resolved.world).meant.entry == forged - 1
    assert (raised.value.code, raised.value.exit_code) == ("recorded.not-reproduced", ExitCode.TRUST)
    with pytest.raises(BspecError) as raised:
        audited(resolved, forged)
    assert (raised.value.code, raised.value.exit_code) == ("recorded.not-reproduced", ExitCode.TRUST)
    assert audited(resolved, forged - 1)[0][0].decided.verdict == "pending"
    impact = compared(resolved)
    assert [(name, e.code) for name, e in impact.errors] == [(f"entry:{forged}", "recorded.not-reproduced")]
    assert [c.name for c in impact.compared] == [f"entry:{forged - 1}"]
    assert impact.exit_code == ExitCode.TRUST


def test_an_altered_or_missing_input_is_an_error_of_its_own(resolved: Project) -> None:
    resolved.promote("staging")
    objects = resolved.state / "objects" / "sha256"
    (stored,) = (p for p in objects.iterdir() if p.read_bytes()[:10] == b'{"action":')
    kept = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(kept.replace(b'"action":"promote"', b'"action":"rollback"'))
    assert [e.code for _, e in compared(resolved).errors] == ["ledger.object-altered"]
    stored.unlink()
    impact = compared(resolved)
    assert [e.code for _, e in impact.errors] == ["ledger.object-missing"]
    assert impact.exit_code == ExitCode.TRUST


def test_a_mandatory_rule_that_the_candidate_does_not_run_is_a_new_denial(staged: Project, tmp_path: Path) -> None:
    rule = "global.tools.no_admin"

    def demand(root: Any) -> None:
        (staging,) = (e for e in root["environments"] if e["id"] == "staging")
        staging["mandatory_rules"] = [rule]

    staged.next_root(demand)
    shipped = read_bundle(shipped_bundle().read_bytes(), "default")
    organisation: Any = shipped.organisation
    data = {**organisation, "select": {**organisation["select"], "exclude": [rule]}}
    candidate = tmp_path / "without.tar.gz"
    candidate.write_bytes(repack(shipped, canonical_bytes(data), "data.json"))
    impact = compared(staged, str(candidate))
    (one,) = impact.new_denials
    assert (one.before.verdict, one.before.floor) == ("warned", ())
    assert (one.after.verdict, one.after.floor) == ("denied", ("floor.mandatory-rule",))
    assert one.changes == ()
    text = render_impact(impact)
    assert "    floor      floor.mandatory-rule\n" in text
    assert impact_json(impact)["counts"] == {
        "compared": 1, "changed": 1, "new_denials": 1, "errors": 0, "older": 0,
    }  # fmt: skip


def test_both_environments_replay_as_they_were_decided(live: Project) -> None:
    impact = compared(live)
    assert [(c.environment, c.before.verdict, c.is_changed) for c in impact.compared] == [
        ("production", "warned", False),
        ("staging", "warned", False),
    ]
    assert impact.exit_code == ExitCode.OK
    assert render_impact(impact).startswith("NO CHANGE  2 inputs compared, 0 changed\n")
    assert json.loads(json.dumps(impact_json(impact)))["counts"]["new_denials"] == 0


def test_a_void_waiver_is_named(live: Project) -> None:
    impact = compared(live)
    (first, *_) = impact.compared
    void = Compared(
        first.name, first.agent, first.version, first.environment, first.at, first.before, first.after, (),
        (("sha256:w", "global.tools.no_admin"),),
    )  # fmt: skip
    assert void.is_changed
    impact.compared[:] = [void]
    told = "void the waiver sha256:w was given for another source of global.tools.no_admin"
    assert told in " ".join(render_impact(impact).split())
