"""Attacks with evidence and objections: what is left out, picked, stale or taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project import DAY, HOUR, NOW, TRUST, Project
from tampering import payload, set_in

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf

NO_APPROVAL = ["floor.no-independent-approval", "promotion.all.approvals", "promotion.all.non_author_approval"]


@pytest.mark.attack("A42")
@pytest.mark.parametrize("change", [{"n": 0}, {"n": 49}, {"n": 250, "failed": 200}])
def test_evidence_with_too_few_cases_or_too_many_failures(resolved: Project, change: dict[str, Any]) -> None:
    resolved.submit()
    for question in ("privilege", "constraint"):
        resolved.attest(question, "functional")
    if change["n"]:
        resolved.attest("boundary", "functional", **change)
    resolved.sign_all("staging", "environment-admin")
    found = resolved.denied(code=ExitCode.DENIED if "failed" in change else ExitCode.PENDING)
    assert {"floor.no-evidence", "promotion.all.evidence"} <= set(found)


@pytest.mark.attack("A42")
@pytest.mark.parametrize(
    "change",
    [
        set_in("predicate", "counts", to={"n": 0, "pass": 0, "fail": 0, "error": 0, "skip": 0}),
        set_in("predicate", "counts", to={"n": 250, "pass": 251, "fail": 0, "error": 0, "skip": 0}),
        set_in("predicate", "finished", to=format_time(NOW + 1)),
        set_in("predicate", "counts", "pass", to=True),
    ],
)
def test_evidence_that_does_not_add_up(resolved: Project, change: Callable[[Any], object]) -> None:
    resolved.submit()
    for question in ("privilege", "constraint"):
        resolved.attest(question, "functional")
    run = resolved.attest("boundary", "functional")
    data = payload(change, by="eve")(run.file.read_bytes())
    run.file.unlink()
    resolved.put("evidence", data)
    resolved.sign_all("staging", "environment-admin")
    found = resolved.denied("staging", "trust.bad-predicate")
    assert found == ["floor.no-evidence", "promotion.all.evidence", "promotion.all.scope_probed"]


@pytest.mark.attack("A42")
def test_an_entry_whose_probes_failed(resolved: Project) -> None:
    """Few failures among many cases, but every probe of what is out of scope is among them."""
    resolved.submit()
    for question in ("privilege", "constraint"):
        resolved.attest(question, "functional")
    out = resolved.session().loaded.intent.scope.out[0].id
    resolved.attest("boundary", "functional", failed=4, probes=[{"scope_out_id": out, "cases": 4, "passed": 0}])
    resolved.sign_all("staging", "environment-admin")
    assert resolved.denied(code=ExitCode.DENIED) == ["promotion.all.scope_probed"]


@pytest.mark.attack("A42")
def test_stale_evidence(staged: Project) -> None:
    """The production evidence may be 30 days old; the staging line's own evidence has no limit."""
    staged.now += 31 * DAY
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    found = staged.denied("production")
    assert "promotion.all.evidence" in found
    assert "floor.no-evidence" in found


@pytest.mark.attack("A83")
def test_failing_evidence_counts_after_it_was_deleted(signed: Project) -> None:
    """A run that passed can't be picked: all sequenced runs are pooled."""
    failing = signed.attest("boundary", "functional", failed=200, raw_log={"digest": digest_of(b"other")})
    signed.approve("environment-admin")
    found = ["floor.no-evidence", "promotion.all.evidence"]
    assert signed.denied(code=ExitCode.DENIED) == found
    failing.file.unlink()
    signed.now += HOUR
    signed.approve("environment-admin")
    assert signed.denied(code=ExitCode.DENIED) == found


@pytest.mark.attack("A83")
def test_a_failing_run_that_another_evaluator_attests_as_an_older_one(shelf: Shelf, tmp_path: Path) -> None:
    trust = TRUST.replace("{role: finance-controller}", "{role: evaluator}")
    project = Project(tmp_path, shelf.cache).found(trust=trust)
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    project.allowed("staging")
    project.now += 3 * DAY
    bad: dict[str, Any] = {"environment": "production", "failed": 200, "raw_log": {"digest": digest_of(b"failing")}}
    project.attest("boundary", "red-team", **bad)
    started, finished = (format_time(project.now - days * DAY) for days in (400, 399))
    project.attest("boundary", "red-team", by="fred", started=started, finished=finished, **bad)
    project.sign_all("production", "environment-admin", "security", "risk-owner")
    assert project.denied("production", code=ExitCode.DENIED) == ["floor.no-evidence", "promotion.all.evidence"]


@pytest.mark.attack("A14")
def test_evidence_of_an_evaluator_of_another_environment(shelf: Shelf, tmp_path: Path) -> None:
    """Who may attest for staging alone says nothing about production."""
    trust = TRUST.replace("[{role: evaluator}]", "[{role: evaluator, environments: [staging]}]")
    project = Project(tmp_path, shelf.cache).found(trust=trust)
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    project.allowed("staging")
    project.verify()
    project.now += 3 * DAY
    project.sign_all("production", "environment-admin", "security", "risk-owner")
    found = project.denied("production", "trust.role-not-granted")
    assert {"floor.no-evidence", "promotion.all.evidence", "promotion.all.scope_probed"} <= set(found)


@pytest.mark.attack("A83")
def test_a_reject_counts_after_it_was_deleted_until_its_signer_approves(signed: Project) -> None:
    signed.now += HOUR
    reject = signed.approve("security", reject=True, by="sam", reason="no probe")
    found = ["floor.open-reject", "promotion.all.no_reject"]
    assert signed.denied(code=ExitCode.DENIED) == found
    reject.file.unlink()
    signed.now += 365 * DAY - 3 * DAY
    signed.attest_all()
    signed.sign_all("staging", "environment-admin")
    assert found == [r for r in signed.denied(code=ExitCode.DENIED) if r in found]
    signed.now += HOUR
    signed.approve("security", by="sam")
    signed.allowed()


@pytest.mark.attack("A83")
def test_a_reject_of_the_intent_counts_for_the_next_binding(staged: Project) -> None:
    """Rejected on the same base, resolved anew: the objection is still open."""
    staged.now += HOUR
    staged.change_intent(("version: 1.0.0", "version: 1.1.0"))
    staged.approve("security", reject=True, by="sam")
    (staged.root / "components" / "system-prompt.md").write_text("another prompt\n", encoding="utf-8")
    staged.resolve()
    staged.submit()
    staged.attest_all()
    staged.sign_all("staging", "environment-admin")
    assert staged.denied(code=ExitCode.DENIED) == ["floor.open-reject", "promotion.all.no_reject"]


@pytest.mark.attack("A87")
def test_an_approver_who_was_shown_something_else(signed: Project) -> None:
    signed.swap("approval", payload(set_in("predicate", "view", to=digest_of(b"another view")), by="dana"))
    assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A87")
def test_an_approver_of_production_who_saw_less_evidence(ready: Project) -> None:
    """Evidence added after the approvals voids those of production."""
    ready.attest("boundary", "red-team", raw_log={"digest": digest_of(b"one more")})
    found = ready.denied("production")
    assert found == sorted([*NO_APPROVAL])
