"""A project with a finding that can be waived, and people who may waive.

``sam`` and ``rita`` hold the role waiver-approver everywhere, and so does ``alice``, who is the author. The intent logs
decisions only, which ``global.data.high_tier_logs_full`` denies, and one tool may do anything in its class, which
``global.tools.wildcard_operations`` denies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intents import TEXT
from project import TRUST, Project
from world import key_of

from bspec_opa.workflow.life.listing import waivers_in
from bspec_opa.workflow.life.waiving import Wish, intend, waive

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.waivers import Standing

LOGS = "global.data.high_tier_logs_full"
LOGGING = "/constraints/logging/level"
WAIVING_TRUST = (
    TRUST.replace("[{role: environment-admin}, {role: security}]", "[{role: environment-admin}]")
    .replace("roles: [{role: security}]}", "roles: [{role: security}, {role: waiver-approver}]}")
    .replace("roles: [{role: risk-owner}]}", "roles: [{role: risk-owner}, {role: waiver-approver}]}")
    .replace(
        "{role: environment-admin}]}\n  - {id: bob",
        "{role: environment-admin}, {role: waiver-approver}]}\n  - {id: bob",
    )
    .replace("{shipped: default}", "{shipped: default}, {shipped: elevated}")
)
WAIVED_TEXT = TEXT.replace("level: full", "level: decision")


def waivable(base: Path, cache: Path) -> Project:
    """Everything for staging is signed but approvals and request; one finding denies."""
    project = Project(base, cache)
    project.found(WAIVED_TEXT, WAIVING_TRUST)
    project.submit()
    project.attest_all()
    return project


def lift(
    project: Project, *findings: str, environment: str = "staging", by: str = "sam", to: str = "", **wish: Any
) -> Record:
    """Waive, for going back to a line if one is named; by default the logging rule's finding, for a fortnight."""
    asked = {"rule": LOGS, "reason": "the log store is being moved", "requester": "pat"} | wish
    if "expires" not in asked:
        asked.setdefault("valid_for", "P14D")
    session = project.going_back(to, environment) if to else project.session()
    intended = intend(session, environment, Wish(findings=findings or (LOGGING,), **asked))
    return waive(session, intended, key_of(by)).record


def forge(project: Project, genuine: bytes, *, by: str = "sam", **members: Any) -> None:
    """Put a waiver with other members into the inbox, signed by somebody with a genuine key and a tool of his own."""
    project.put("waiver", project.reforge(genuine, lambda p: p.update(members), by=by))


def standing(project: Project, environment: str = "staging") -> list[Standing]:
    """How every waiver stands."""
    ((_, found),) = waivers_in(project.session(), environment).environments
    return list(found)
