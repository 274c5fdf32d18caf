"""The promotion of the paper's agent, from nothing to a verified lock in production."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from intents import TEXT
from project import DAY, HOUR, NOW, TRUST, Project, reasons_of
from project import signed as sign_everything

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import parse_time
from bspec_opa.workflow.verifying.verify import Evidence, verify_lock

if TYPE_CHECKING:
    from project import Shelf

BILLING = Path(__file__).parents[2] / "examples" / "billing"
WRITE_TOOLS = ["billing_read_api/get_invoice", "billing_write_api/create_refund"]
ELEVATED = "promotion.all.elevated_approvals"


def test_example_is_promoted_through_the_default_bundle(live: Project) -> None:
    verification = live.verify()
    assert [(v.environment, v.current, v.assurance) for v in verification.lines] == [
        ("staging", True, "measured"),
        ("production", True, "measured"),
    ]
    assert [sorted(v.approvals) for v in verification.lines] == [
        [("dana", "environment-admin")],
        [("dana", "environment-admin"), ("rita", "risk-owner"), ("sam", "security")],
    ]
    assert verification.lines[0].binding == verification.lines[1].binding
    assert verification.notes == ()


def test_nothing_is_written_before_everything_is_there(resolved: Project) -> None:
    denied = resolved.denied()
    assert {"promotion.all.submitted", "promotion.all.approvals", "promotion.all.requested"} <= set(denied)
    assert not resolved.lock.exists()
    assert [e.kind for e in resolved.ledger().entries] == ["denial"]


def test_without_a_binding_nothing_is_recorded(resolved: Project) -> None:
    shutil.rmtree(resolved.state / "bindings")
    outcome = resolved.promote()
    assert outcome.evaluation is not None
    assert "promotion.all.resolved" in reasons_of(outcome.evaluation)
    assert (outcome.line, outcome.entry) == (None, None)
    assert resolved.ledger().size == 0
    for act in (resolved.submit, resolved.request):
        with resolved.refused("promotion.no-binding", ExitCode.INVALID):
            act()


def test_soak(staged: Project) -> None:
    staged.now += 3 * DAY - 1
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    assert staged.denied("production") == ["promotion.all.soak"]
    staged.now += 1
    staged.allowed("production")


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [("2026-12-20T00:00:00Z", True), ("2027-01-02T23:59:59Z", True), ("2027-01-03T00:00:00Z", False)],
)
def test_freeze(staged: Project, moment: str, frozen: bool) -> None:
    staged.now = parse_time(moment)
    staged.attest_all()
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    if frozen:
        assert staged.denied("production", code=ExitCode.DENIED) == ["promotion.all.not_frozen"]
    else:
        staged.allowed("production")


def test_production_before_staging(signed: Project) -> None:
    assert "promotion.all.predecessor_identical" in signed.denied("production", code=ExitCode.DENIED)
    assert signed.ledger().entries[-1].kind != "denial"
    with signed.refused("promotion.no-binding", ExitCode.INVALID):
        signed.approve("security", "production")


def test_what_is_current_already_is_left_alone(live: Project) -> None:
    before = live.files()
    live.now += DAY
    for environment, line in (("staging", 0), ("production", 1)):
        outcome = live.promote(environment)
        assert outcome.evaluation is None
        assert outcome.line == digest_of(live.lines()[line])
        assert outcome.sequenced == ()
    assert live.files() == before


def test_approving_another_version_than_staging_holds(staged: Project) -> None:
    staged.change_intent(("version: 1.0.0", "version: 1.0.1"))
    with staged.refused("promotion.not-the-source", ExitCode.INVALID):
        staged.approve("security", "production")


def test_evaluate_writes_nothing_and_says_what_is_not_in_the_ledger(signed: Project) -> None:
    before = signed.files()
    evaluation = signed.evaluate()
    assert evaluation.decision.allowed
    assert evaluation.exit_code == ExitCode.OK
    assert len(evaluation.unsequenced) == 8
    assert not evaluation.advisory
    assert signed.files() == before
    assert not (signed.base / "state").exists()


def test_evaluate_without_a_pin_is_advice(signed: Project) -> None:
    signed.pin = None
    evaluation = signed.evaluate(need_pin=False)
    assert evaluation.advisory
    assert evaluation.notes == ("no trust pin: the trust root is not verified",)
    for act in (signed.promote, signed.submit, signed.record):
        with signed.refused("trust.no-pin", ExitCode.TRUST):
            act()
    with signed.refused("trust.no-pin", ExitCode.TRUST):
        signed.verify()


def test_evaluate_without_a_root_takes_the_starter_root(signed: Project) -> None:
    signed.pin = None
    shutil.rmtree(signed.state / "trust")
    evaluation = signed.evaluate(need_pin=False)
    assert evaluation.advisory
    assert evaluation.notes == ("no trust pin and no trust root: the built-in starter root was taken",)
    assert evaluation.unsequenced == ()
    assert not evaluation.decision.allowed


def billing(shelf: Shelf, base: Path, organisation: str) -> Project:
    """Version 2 of the example, which may issue refunds, in an organisation."""
    project = Project(base, shelf.cache)
    catalogs = project.state / "catalogs"
    catalogs.mkdir(parents=True)
    shutil.copy(BILLING / "catalog.yaml", catalogs / "billing-support.yaml")
    shutil.copytree(BILLING / "documents", catalogs / "documents")
    shutil.copytree(BILLING / "prompts", project.root / "prompts")
    project.flags["bundle.path"] = organisation
    text = (BILLING / "v2" / "behavior.intent").read_text(encoding="utf-8")
    return project.found(text, TRUST.replace("shipped: default", f"shipped: {organisation}"))


def sign_refunds(project: Project) -> None:
    project.submit()
    for question, method in (
        ("boundary", "functional"),
        ("privilege", "functional"),
        ("constraint", "functional"),
        ("boundary", "red-team"),
        ("constraint", "adversarial"),
    ):
        project.attest(question, method, observed_tools=WRITE_TOOLS)


def test_refunds_are_denied_by_the_organisation_although_everybody_approves(shelf: Shelf, tmp_path: Path) -> None:
    """Paper 9.5.2 under 9.6."""
    project = billing(shelf, tmp_path, "default")
    sign_refunds(project)
    project.sign_all("staging", "environment-admin", "risk-owner", "finance-controller", "security")
    assert project.denied(code=ExitCode.DENIED) == ["global.tools.forbidden_class"]
    assert not project.lock.exists()


def test_refunds_are_allowed_elsewhere_with_the_elevated_approvals_only(shelf: Shelf, tmp_path: Path) -> None:
    project = billing(shelf, tmp_path, "elevated")
    sign_refunds(project)
    project.sign_all("staging", "environment-admin")
    assert project.denied() == [ELEVATED]
    project.approve("risk-owner")
    project.allowed()
    project.now += 3 * DAY
    project.sign_all("production", "environment-admin", "security", "risk-owner")
    assert ELEVATED in project.denied("production")
    project.approve("finance-controller", "production")
    project.allowed("production")
    assert [v.environment for v in project.verify().lines] == ["staging", "production"]


def test_a_new_version_replaces_the_old_one(live: Project) -> None:
    live.now += HOUR
    live.change_intent(("version: 1.0.0", "version: 1.0.1"), ("list_invoices, get_invoice", "get_invoice"))
    live.resolve()
    live.submit("bob")
    live.attest_all()
    live.sign_all("staging", "environment-admin")
    live.allowed()
    verification = live.verify()
    assert [(v.environment, v.current) for v in verification.lines] == [
        ("staging", False),
        ("production", True),
        ("staging", True),
    ]
    live.now += 3 * DAY
    live.sign_all("production", "environment-admin", "security")
    live.allowed("production")
    assert [v.current for v in live.verify().lines] == [False, False, True, True]


def test_the_gate_uses_the_stricter_of_old_and_new_rules(live: Project) -> None:
    live.now += HOUR
    live.change_intent(
        ("version: 1.0.0", "version: 1.0.1"), ("min_cases: 50, min_pass_bp: 9800", "min_cases: 1, min_pass_bp: 1")
    )
    live.submit()
    for question, method in (("privilege", "functional"), ("constraint", "functional")):
        live.attest(question, method)
    live.sign_all("staging", "environment-admin")
    live.attest("boundary", "functional", failed=240, raw_log={"digest": digest_of(b"bad")})
    assert live.denied(code=ExitCode.DENIED) == ["floor.no-evidence", "promotion.all.evidence"]


class Other(Project):
    """Another agent in the same project, to which this one delegates."""

    @property
    def intent(self) -> Path:
        return self.root / "other" / "behavior.intent"

    @property
    def lock(self) -> Path:
        return self.root / "other" / "behavior.lock"


@pytest.mark.parametrize("current", [True, False])
def test_delegates(resolved: Project, current: bool) -> None:
    """Whether another agent is current here is a fact from the ledger, then as now."""
    if current:
        other = Other(resolved.base, resolved.cache, resolved.now, resolved.pin)
        other.intent.parent.mkdir()
        other.write_intent(TEXT.replace("id: billing-support", "id: other-agent"))
        other.resolve()
        sign_everything(other)
        other.allowed()
    resolved.change_intent(("  self_modification: false", "  delegation: [other-agent]\n  self_modification: false"))
    resolved.resolve()
    sign_everything(resolved)
    delegates = [{"agent": "other-agent", "path": "/constraints/delegation/0", "current": current}]
    assert resolved.evaluate().request["delegates"] == delegates
    if current:
        resolved.allowed()
        assert [v.current for v in resolved.verify().lines] == [True]
    else:
        assert resolved.denied(code=ExitCode.DENIED) == ["global.data.delegates_current"]


def test_an_empty_lock_is_none(live: Project) -> None:
    session = live.session()
    evidence = Evidence(session.anchor.roots, session.ledger, session.objects, live.environ, live.now)
    with live.refused("lock.missing", ExitCode.INVALID):
        verify_lock(b"", "behavior.lock", evidence)


def test_the_intent_of_the_tests_is_the_one_of_the_specification() -> None:
    assert "soak: {duration: P3D}" in TEXT
    assert parse_time("2026-06-01T12:00:00Z") == NOW
