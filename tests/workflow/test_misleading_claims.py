"""Files that claim more than one thing, or something about somebody else: each is told apart by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.gate.request import Facts
from bspec_opa.workflow.facts.parts import barred_of

if TYPE_CHECKING:
    from project import Project


@pytest.mark.attack("A12")
def test_a_line_names_no_approval_of_an_author(signed: Project) -> None:
    """It is in the ledger, and it was not counted."""
    signed.approve("environment-admin", by="alice")
    signed.allowed()
    assert signed.verify().lines[0].approvals == (("dana", "environment-admin"),)


@pytest.mark.parametrize("where", ["declared", "previous"])
@pytest.mark.parametrize(
    ("separation", "barred"),
    [
        ([], {"ann"}),
        (["author"], {"ann"}),
        (["promoter"], {"ann", "pat"}),
        (["evaluator"], {"ann", "eve", "kim"}),
        (["promoter", "evaluator"], {"ann", "pat", "eve", "kim"}),
    ],
)
def test_whose_approval_is_not_counted(where: str, separation: list[str], barred: set[str]) -> None:
    facts = Facts(
        action="promote",
        environment="production",
        now=0,
        intent={},
        surface_digest=ZERO_DIGEST,
        change={},
        authors=["ann"],
        requester=[{"principal": "pat"}],
        evidence=[{"evaluators": ["eve"]}, {"evaluators": ["kim", "eve"]}],
        declared=[{"separation": [*separation]}] if where == "declared" else [],
        previous=[{"separation": [*separation]}] if where == "previous" else [],
    )
    assert barred_of(facts) == barred


@pytest.mark.attack("A07")
@pytest.mark.parametrize(
    ("old", "new"),
    [("id: billing-support", "id: other-agent"), ("id: billing-support", "name: nobody"), ("metadata:", "metadatum:")],
)
def test_a_lock_beside_the_intent_of_another_agent(staged: Project, old: str, new: str) -> None:
    staged.write_intent(staged.intent.read_text(encoding="utf-8").replace(old, new, 1))
    with staged.refused("verify.other-agent", ExitCode.TRUST, "the lock beside it of billing-support"):
        staged.verify()


def test_a_lock_beside_no_intent_or_a_later_one(staged: Project) -> None:
    """Only whose intent it is matters; a lock is also verified where nothing else was copied to."""
    staged.change_intent(("privilege: read", "privilege: everything"))
    assert [v.current for v in staged.verify().lines] == [True]
    staged.intent.unlink()
    assert [v.current for v in staged.verify().lines] == [True]


def test_a_lock_beside_a_list(staged: Project) -> None:
    staged.write_intent("[]")
    with staged.refused("verify.other-agent", ExitCode.TRUST, "the intent is of 'None'"):
        staged.verify()
