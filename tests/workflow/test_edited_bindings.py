"""A binding is a file in a checkout: whoever edits it gets no further than honest authors, and no line on it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import Digest, digest_of, hex_of
from bspec_opa.foundation.errors import BspecError, ExitCode, TrustError
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT
from bspec_opa.workflow.checkout.resolving import read_resolved
from bspec_opa.workflow.checkout.reviewed import keep_entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project

INVENTED = [digest_of(b"invented")]
EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "floors": (
        lambda b: [o.update(privilege_floor="none") for o in b["tools"][0]["operations"]],
        "tool billing_read_api: operations",
    ),
    "an artifact": (
        lambda b: b["tools"][0].update(artifact=[{"purl": "pkg:npm/evil@6.6.6", "digest": INVENTED}]),
        "tool billing_read_api: artifact",
    ),
    "a publisher": (lambda b: b["tools"][0].update(publisher="globex"), "tool billing_read_api: publisher"),
    "a model": (
        lambda b: b["models"][0].update(immutability="content", digest=INVENTED),
        "model support-optimized-model-v1: digest, immutability",
    ),
}


def binding_file(project: Project) -> Path:
    return project.state / "bindings" / f"{AGENT}.json"


def edit(project: Project, change: Callable[[Any], object]) -> None:
    """By hand, in the one form that a binding has."""
    value = json.loads(binding_file(project).read_bytes())
    change(value)
    binding_file(project).write_bytes(canonical_bytes(value) + b"\n")


def submit_anyway(project: Project) -> None:
    """As a client does that compares nothing."""
    session = project.session()
    binding = json.loads(binding_file(project).read_bytes())
    own: Any = {
        "version": session.loaded.intent.metadata.version,
        "surface_digest": session.loaded.surface_digest,
        "schema_digest": session.loaded.schema_digest,
        "catalog": {"digest": INVENTED[0]},
        "components": binding["components"],
        "supersedes": [],
    }
    subjects = {INTENT_SUBJECT: session.loaded.digest, BINDING_SUBJECT: project.binding_digest()}
    project.put("submit", project.forge("submit", own, by="alice", subjects=subjects))


@pytest.mark.attack("A82")
@pytest.mark.parametrize("name", EDITS)
def test_an_edited_binding_is_not_promoted(resolved: Project, name: str) -> None:
    edit(resolved, EDITS[name][0])
    submit_anyway(resolved)
    resolved.attest_all()
    resolved.sign_all("staging", "environment-admin")
    assert "global.supply.not_withdrawn" in resolved.denied(code=ExitCode.DENIED)


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_binding_is_not_submitted(resolved: Project, name: str) -> None:
    change, said = EDITS[name]
    edit(resolved, change)
    with resolved.refused("promotion.binding-differs", ExitCode.INVALID, said):
        resolved.submit()
    resolved.resolve()
    resolved.submit()


def test_a_catalog_that_changed_since_is_found_at_the_submit(resolved: Project) -> None:
    (catalog,) = (resolved.state / "catalogs").glob("*.yaml")
    text = catalog.read_text()
    assert text.count("publisher: acme") == 1
    catalog.write_text(text.replace("publisher: acme", "publisher: globex"))
    with resolved.refused("promotion.binding-differs", ExitCode.INVALID, "tool billing_read_api: catalog entry"):
        resolved.submit()


def test_a_component_that_changed_since_is_found_at_the_submit(resolved: Project) -> None:
    (prompt,) = (resolved.root / "components").iterdir()
    text = prompt.read_text()
    prompt.write_text(text + "You may now do more.\n")
    with resolved.refused("promotion.binding-differs", ExitCode.INVALID, f"component {prompt.stem}: content"):
        resolved.submit()
    prompt.unlink()
    resolved.submit()


# The catalog entries among the objects


def entries(project: Project) -> list[Digest]:
    return [Digest(e["digest"]) for e in json.loads(binding_file(project).read_bytes())["entries"]]


def test_a_promotion_keeps_the_catalog_entries(staged: Project) -> None:
    objects = staged.session().objects
    kept = [json.loads(objects.get(e)) for e in entries(staged)]
    assert [(e["kind"], e.get("id")) for e in kept] == [("model", None), ("tool", "billing_read_api")]
    assert kept[1]["publisher"] == "acme"


def test_a_line_without_its_catalog_entries_is_not_verified(staged: Project) -> None:
    (staged.state / "objects" / "sha256" / hex_of(entries(staged)[1])).unlink()
    with pytest.raises(TrustError) as raised:
        staged.verify()
    assert raised.value.code == "ledger.object-missing"


@pytest.mark.attack("A76")
def test_a_gate_that_signed_an_edited_binding_is_found_by_verify(
    resolved: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that compares nothing, such as one whose key was stolen, leaves a line that contradicts the entries."""
    keep_genuine(resolved)
    edit(resolved, EDITS["floors"][0])
    submit_anyway(resolved)
    resolved.attest_all()
    resolved.sign_all("staging", "environment-admin")
    monkeypatch.setattr("bspec_opa.workflow.evaluate.withdrawn_facts", lambda *_: [])
    monkeypatch.setattr("bspec_opa.workflow.promote.keep_entries", lambda *_: None)
    assert resolved.promote().line is not None
    with pytest.raises(TrustError) as raised:
        resolved.verify()
    assert raised.value.code == "verify.facts-differ"
    assert "tool billing_read_api: operations" in raised.value.problems[0].message


def keep_genuine(project: Project) -> None:
    """The genuine entries are among the objects already, from an earlier promotion."""
    session = project.session()
    binding = read_resolved(session.project, AGENT)
    assert binding is not None
    keep_entries(session.project, session.loaded, binding, session.objects)


def test_no_line_is_made_whose_entries_contradict_it(resolved: Project) -> None:
    edit(resolved, EDITS["a publisher"][0])
    session = resolved.session()
    binding = read_resolved(session.project, AGENT)
    assert binding is not None
    with pytest.raises(BspecError) as raised:
        keep_entries(session.project, session.loaded, binding, session.objects)
    assert raised.value.code == "promotion.binding-differs"


def test_no_line_is_made_whose_entries_nobody_kept(resolved: Project) -> None:
    edit(resolved, lambda b: b["entries"][0].update(digest=INVENTED[0]))
    session = resolved.session()
    binding = read_resolved(session.project, AGENT)
    assert binding is not None
    with pytest.raises(TrustError) as raised:
        keep_entries(session.project, session.loaded, binding, session.objects)
    assert raised.value.code == "ledger.object-missing"
