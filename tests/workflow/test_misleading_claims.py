"""Files that claim more than one thing, or something about somebody else: each is told apart by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.gate.request import Facts
from bspec_opa.workflow.facts.parts import barred_of

if TYPE_CHECKING:
    from project import Project


@pytest.mark.attack("A44")
@pytest.mark.parametrize("last", [False, True])
def test_an_identity_is_deployed_once(live: Project, last: bool) -> None:
    """A second model, tool or component under the same name is not hidden by the bound one, wherever it stands."""
    binding: Any = live.verify().lines[1].binding
    model, tool, component = binding["models"][0], binding["tools"][0], binding["components"][0]
    evil = "sha256:" + "6" * 64
    deployed: Any = {
        "schema": "bspec.deployed/v1",
        "agent": AGENT,
        "environment": "production",
        "models": [{k: m[k] for k in ("class", "identity", "digest")} for m in binding["models"]],
        "tools": [
            {"id": t["id"], "release": t["release"], "contract_digest": t["contract"]["digest"]}
            for t in binding["tools"]
        ],
        "components": [{"id": c["id"], "digest": c["digest"]} for c in binding["components"]],
    }
    for member, extra in (
        ("models", {"class": model["class"], "identity": "evil", "digest": []}),
        ("tools", {"id": tool["id"], "release": "6.6.6", "contract_digest": evil}),
        ("components", {"id": component["id"], "digest": evil}),
    ):
        deployed[member].insert(len(deployed[member]) if last else 0, extra)
    file = live.base / "deployed.json"
    file.write_text(json.dumps(deployed), encoding="utf-8")
    with pytest.raises(BspecError) as raised:
        live.verify(file)
    assert (raised.value.code, raised.value.exit_code) == ("verify.deployed-differs", ExitCode.TRUST)
    assert {
        f"model {model['class']} is deployed 2 times",
        f"tool {tool['id']} is deployed 2 times",
        f"component {component['id']} is deployed 2 times",
    } <= {p.message for p in raised.value.problems}


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
