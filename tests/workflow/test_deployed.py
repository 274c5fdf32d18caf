"""What is deployed is what the lock binds: each difference is named, with its place and what to do (attack A44)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project

ZERO = "sha256:" + "0" * 64


def reported(project: Project, document: Any) -> Path:
    file = project.base / "deployed.json"
    file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return file


def problems(project: Project, document: Any) -> list[tuple[str, str, str]]:
    """Code, message and hint of every difference; each is in the file, and all of them exit with 7."""
    file = reported(project, document)
    with pytest.raises(BspecError) as raised:
        project.verify(file)
    assert raised.value.exit_code == ExitCode.TRUST
    assert {p.location.file for p in raised.value.problems if p.location} == {str(file)}
    assert all(p.location and p.location.line and p.location.column for p in raised.value.problems)
    return [(p.reason.code, p.message, p.hint) for p in raised.value.problems]


def test_exactly_what_is_bound(live: Project) -> None:
    file = reported(live, live.deployed())
    assert live.verify(file).deployed == str(file)


@pytest.mark.attack("A44")
@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        (("agent",), "other-agent", "agent is other-agent, the lock is of billing-support", "verify the lock of"),
        (("environment",), "canary", "the lock has no current line for canary", "name one of: production, staging"),
        (("line",), ZERO, f"the lock has no line {ZERO}", "deploy line 2, sha256:"),
        (("tools", 0, "release"), "9.9.9", "tool billing_read_api is 9.9.9, bound is 2.0.0 (release)", "deploy 2.0.0"),
        (("tools", 0, "contract_digest"), ZERO, f"tool billing_read_api is {ZERO}, bound is sha256:", "deploy sha256:"),
        (
            ("tools", 0, "artifact"),
            [{"purl": "pkg:npm/evil@1", "digest": [ZERO]}],
            f"tool billing_read_api is pkg:npm/evil@1 {ZERO}, bound is none (artifact)",
            "deploy none",
        ),
        (("models", 0, "provider"), "elsewhere", "model support-optimized-model-v1 is elsewhere, bound is", "deploy "),
        (("models", 0, "identity"), "another", "model support-optimized-model-v1 is another, bound is", "deploy "),
        (("models", 0, "region"), ["us-1"], "model support-optimized-model-v1 is us-1, bound is ", "deploy "),
        (("models", 0, "digest"), [ZERO], f"model support-optimized-model-v1 is {ZERO}, bound is none", "deploy none"),
        (("components", 0, "digest"), ZERO, f"component system-prompt is {ZERO}, bound is sha256:", "deploy sha256:"),
        (("components",), [], "component system-prompt is bound and not deployed", "deploy sha256:"),
        (("models",), [], "model support-optimized-model-v1 is bound and not deployed", "deploy "),
    ],
)
def test_each_difference_is_named(
    live: Project, path: tuple[str | int, ...], value: Any, message: str, hint: str
) -> None:
    document = live.deployed()
    target = document
    for step in path[:-1]:
        target = target[step]
    assert target[path[-1]] != value
    target[path[-1]] = value
    ((code, said, mend),) = problems(live, document)
    assert code == "verify.deployed-differs"
    assert said.startswith(message)
    assert hint in mend


@pytest.mark.attack("A44")
def test_all_differences_are_named_at_once(live: Project) -> None:
    """Also a tool under another name, which is one missing and one too many."""
    document = live.deployed()
    document["tools"][0]["id"] = "shell"
    document["components"].append({"id": "memory", "digest": ZERO})
    assert [message for _, message, _ in problems(live, document)] == [
        "tool billing_read_api is bound and not deployed",
        "tool shell is deployed and not bound",
        "component memory is deployed and not bound",
    ]


@pytest.mark.attack("A44")
@pytest.mark.parametrize("last", [False, True])
def test_an_identity_is_deployed_once(live: Project, last: bool) -> None:
    """A second model, tool or component under the same name is not hidden by the bound one, wherever it stands."""
    document = live.deployed()
    for member, change in (
        ("models", {"identity": "evil"}),
        ("tools", {"release": "6.6.6"}),
        ("components", {"digest": ZERO}),
    ):
        extra = document[member][0] | change
        document[member].insert(len(document[member]) if last else 0, extra)
    assert {
        "model support-optimized-model-v1 is deployed 2 times",
        "tool billing_read_api is deployed 2 times",
        "component system-prompt is deployed 2 times",
    } <= {message for _, message, _ in problems(live, document)}


@pytest.mark.attack("A44")
def test_a_line_of_another_environment(live: Project) -> None:
    document = live.deployed()
    document["line"] = live.verify().lines[0].digest
    ((code, message, hint),) = problems(live, document)
    assert (code, message) == ("verify.deployed-differs", "line 1 promotes to staging, not to production")
    assert hint.startswith("deploy line 2, sha256:")


@pytest.mark.attack("A44")
def test_a_report_about_another_environment(live: Project) -> None:
    """What was approved for staging says nothing about production, however true it is."""
    file = reported(live, live.deployed(0))
    assert live.verify(file, "staging").deployed == str(file)
    with live.refused(
        "verify.deployed-differs", ExitCode.TRUST, "environment is staging, and it is deployed to production"
    ):
        live.verify(file, "production")


@pytest.mark.attack("A44")
def test_a_line_that_was_superseded(staged: Project) -> None:
    """The same artifacts, approved again with other words: what runs was deployed from a line that is no longer it."""
    document = staged.deployed(0)
    staged.change_intent(("version: 1.0.0", "version: 1.0.1"))
    staged.now += 3_600
    staged.submit()
    staged.attest_all()
    staged.sign_all("staging", "environment-admin")
    staged.allowed()
    assert [(code, message) for code, message, _ in problems(staged, document)] == [
        (
            "verify.deployed-superseded",
            "line 1 of 2026-06-01T12:00:00Z was superseded by line 2 of 2026-06-01T13:00:00Z in staging",
        )
    ]


@pytest.mark.attack("A16")
def test_a_line_that_was_revoked(live: Project) -> None:
    """What is deployed is exactly what was bound, and no longer approved."""
    file = reported(live, live.deployed())
    line = live.verify().lines[1]
    entry = live.ledger().entries[line.entry]
    revoked = {"kind": "record", "id": entry.record_id, "reason": "approved in error"}
    live.now += 1
    live.next_root(lambda root: root["revoked"].append(revoked))
    with live.refused("trust.revoked", ExitCode.TRUST, "approved in error"):
        live.verify(file)


def without(member: str) -> Callable[[Any], object]:
    return lambda document: document.pop(member)


@pytest.mark.parametrize(
    "change",
    [
        without("line"),
        without("tools"),
        lambda document: document["models"][0].pop("provider"),
        lambda document: document["tools"][0].pop("artifact"),
        lambda document: document.update(note="fine"),
        lambda document: document.update(schema="bspec.deployed/v2"),
        lambda document: document["components"][0].update(digest="sha256:0"),
    ],
)
def test_what_a_deployment_leaves_out_is_no_document(live: Project, change: Callable[[Any], object]) -> None:
    document = live.deployed()
    change(document)
    with live.refused("verify.bad-deployed", ExitCode.INVALID):
        live.verify(reported(live, document))


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema": "bspec.deployed/v1"}', "a: 1"])
def test_a_deployed_file_of_another_form(live: Project, text: str) -> None:
    file = live.base / "deployed.json"
    file.write_text(text, encoding="utf-8")
    with live.refused("verify.bad-deployed", ExitCode.INVALID):
        live.verify(file)


def test_a_document_of_another_kind_is_told_which_is_meant(live: Project) -> None:
    file = live.base / "deployed.json"
    for text, said in (
        ('{"schema": "x", "a": 1}', 'schema: must be one of bspec.deployed/v1, and not "x"'),
        ("[]", "the deployed file is no bspec.deployed/v1 document: it must be an object"),
    ):
        file.write_text(text, encoding="utf-8")
        with live.refused("verify.bad-deployed", ExitCode.INVALID, said) as raised:
            live.verify(file)
        (only,) = raised.value.problems
        assert "docs/schemas/deployed.v1.json" in only.hint
