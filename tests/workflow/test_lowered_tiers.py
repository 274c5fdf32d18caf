"""A change must pass the bar of what it replaces, also where it lowers that bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from intents import TEXT
from project import DAY, Project

from bspec_opa.foundation.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from project import Shelf

LENIENT = """\
  production:
    approvals: [{role: environment-admin, count: 1}]
    evidence:
      - {question: boundary, method: functional, min_cases: 50, min_pass_bp: 9800}
      - {question: privilege, method: functional, min_cases: 50, min_pass_bp: 9800}
      - {question: constraint, method: functional, min_cases: 50, min_pass_bp: 9800}
"""
RISK = ("tier: high, exposure: customer", "tier: low, exposure: internal")
FUNCTIONAL = ("boundary", "privilege", "constraint")


@pytest.fixture
def lenient(shelf: Shelf, tmp_path: Path) -> Project:
    """In production at tier high, whose floor demands more than the intent does itself."""
    project = Project(tmp_path, shelf.cache).found(TEXT[: TEXT.index("  production:")] + LENIENT)
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    project.allowed("staging")
    project.now += DAY
    project.sign_all("production", "environment-admin", "security")
    project.allowed("production")
    project.now += DAY
    return project


def change(project: Project, *replacements: tuple[str, str]) -> None:
    """Submit another version, evaluated as tier low demands, and sign it for staging."""
    project.change_intent(*replacements)
    project.resolve()
    project.submit()
    for question in FUNCTIONAL:
        project.attest(question, "functional")
    project.sign_all("staging", "environment-admin")


def test_a_lower_tier_does_not_lower_the_floor_of_its_own_change(lenient: Project) -> None:
    change(
        lenient, RISK, ("memory: {policy: session}", "memory: {policy: shared}"), ("version: 1.0.0", "version: 1.1.0")
    )
    lenient.allowed("staging")
    lenient.now += DAY
    lenient.sign_all("production", "environment-admin")
    assert lenient.denied("production") == [
        "promotion.all.approvals",
        "promotion.all.evidence",
        "promotion.production.independent_red_team",
    ]
    lenient.attest("boundary", "red-team")
    lenient.attest("constraint", "adversarial")
    lenient.sign_all("production", "environment-admin", "security")
    lenient.allowed("production")
    lenient.verify()


def test_a_lower_tier_does_not_lift_the_rules_for_the_higher_one(lenient: Project) -> None:
    """What is only for low tiers comes with the change after the one that lowers the tier."""
    wider = ("operations: [list_invoices, get_invoice]", 'operations: ["*"]')
    egress = ("network: {egress: allowlist, hosts: [billing.internal]}", "network: {egress: open}")
    change(lenient, RISK, wider, egress, ("version: 1.0.0", "version: 1.1.0"))
    found = lenient.denied("staging", code=ExitCode.DENIED)
    assert {"global.data.no_open_egress", "global.tools.wildcard_operations"} <= set(found)
