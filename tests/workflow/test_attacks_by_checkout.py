"""Attacks by whoever writes the checkout without holding a key: the pin decides, and what it reaches."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from policy_tree import UNBOUNDED, good_tree, metadata, write
from project import AGENT, HOUR, TRUST, Project
from world import key_of

from bspec_opa.bundle.build.building import build_bundle, repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError, ExitCode, TrustError
from bspec_opa.trust.dsse import TRUST_ROOT_PAYLOAD_TYPE, sign_envelope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf


def edit(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def root_signed_by(project: Project, by: str, change: Callable[[Any], object]) -> None:
    """Version 1 replaced by another one."""
    payload: Any = json.loads(project.newest_root().payload)
    change(payload)
    data = sign_envelope(canonical_bytes(payload), TRUST_ROOT_PAYLOAD_TYPE, [key_of(by)]).to_bytes()
    (project.state / "trust" / "1.root.json").write_bytes(data)


def no_production_source(payload: Any) -> None:
    for environment in payload["environments"]:
        environment["from"] = ""


@pytest.mark.attack("A75")
@pytest.mark.attack("A77")
@pytest.mark.parametrize("by", ["mallory", "root-1"])
def test_another_trust_root(staged: Project, by: str) -> None:
    """Also one that drops ``from``, and also one that the genuine root key signs: the pin is of the content."""
    root_signed_by(staged, by, no_production_source)
    for act in (staged.promote, staged.verify, staged.evaluate, staged.submit):
        with staged.refused("trust.pin-mismatch", ExitCode.TRUST):
            act()


@pytest.mark.attack("A75")
def test_a_second_version_that_the_root_keys_did_not_sign(staged: Project) -> None:
    staged.next_root(no_production_source, by="mallory")
    for act in (staged.promote, staged.verify, staged.evaluate):
        with staged.refused("trust.root-signatures", ExitCode.TRUST):
            act()


@pytest.mark.attack("A75")
def test_no_trust_root_at_all(staged: Project) -> None:
    (staged.state / "trust" / "1.root.json").unlink()
    for act in (staged.promote, staged.verify, staged.evaluate):
        with staged.refused("trust.no-root", ExitCode.TRUST):
            act()


@pytest.mark.attack("A75")
def test_another_bundle(signed: Project) -> None:
    edit_config(signed, '[bundle]\npath = "elevated"\n')
    for act in (signed.promote, signed.evaluate):
        with signed.refused("bundle.not-accepted", ExitCode.TRUST):
            act()


def edit_config(project: Project, text: str) -> None:
    (project.root / "bspec-opa.toml").write_text(text, encoding="utf-8")


@pytest.mark.attack("A75")
@pytest.mark.parametrize("key", ["trust_pin", "pin", "trust-pin"])
def test_a_pin_in_the_checkout(signed: Project, key: str) -> None:
    for text in (f'{key} = "{signed.pin}"\n', f'[trust]\n{key} = "{signed.pin}"\n'):
        edit_config(signed, text)
        for act in (signed.promote, signed.evaluate):
            with signed.refused("config.pin-in-checkout", ExitCode.USAGE):
                act()


@pytest.mark.attack("A75")
def test_a_configuration_directory_in_the_checkout_gives_no_pin(signed: Project) -> None:
    """``XDG_CONFIG_HOME=.`` would let the checkout pin itself."""
    from bspec_opa.workflow.checkout.anchor import find_pin

    directory = signed.root / "bspec-opa"
    directory.mkdir()
    (directory / "trust-pin").write_text(str(signed.pin), encoding="utf-8")
    relative = os.path.relpath(signed.root)
    assert find_pin(None, {"XDG_CONFIG_HOME": relative, "HOME": relative}) is None
    assert find_pin(None, {"XDG_CONFIG_HOME": str(signed.root)}) == signed.pin


@pytest.mark.attack("A75")
@pytest.mark.attack("A82")
@pytest.mark.parametrize(
    "change", [("publisher: acme", "publisher: mallory"), ("read", "write"), ("tools:", "tools: []\nunused:")]
)
def test_another_catalog(signed: Project, change: tuple[str, str]) -> None:
    """What is bound is not what the catalog says now; nothing is resolved again."""
    catalog = signed.state / "catalogs" / f"{AGENT}.yaml"
    if change[1].startswith("tools: []"):
        catalog.write_text("schema: bspec.catalog/v1\ntools: []\nmodels: []\n", encoding="utf-8")
    else:
        edit(catalog, change)
    assert signed.denied(code=ExitCode.DENIED) == ["global.supply.not_withdrawn"]


@pytest.mark.attack("A82")
@pytest.mark.parametrize("status", ["yanked", "retired"])
def test_a_release_is_withdrawn_between_approval_and_promotion(ready: Project, status: str) -> None:
    edit(ready.state / "catalogs" / f"{AGENT}.yaml", ("operations:", f"status: {status}\n        operations:"))
    assert ready.denied("production", code=ExitCode.DENIED) == ["global.supply.not_withdrawn"]


@pytest.mark.attack("A82")
def test_production_never_resolves(ready: Project) -> None:
    """Neither a newer release in the catalog nor another binding file changes what production binds."""
    catalog = ready.state / "catalogs" / f"{AGENT}.yaml"
    text = catalog.read_text(encoding="utf-8")
    start = text.index("      - version:")
    release = text[start : text.index("models:")]
    newer = release.replace(release.split('"')[1], "2.9.9")
    catalog.write_text(text[:start] + release + newer + text[text.index("models:") :], encoding="utf-8")
    ready.resolve()
    ready.allowed("production")
    staging, production = ready.verify().lines
    assert production.binding == staging.binding
    assert "2.9.9" not in json.dumps(production.binding)


@pytest.mark.attack("A77")
def test_another_agent_id_escapes_nothing(live: Project) -> None:
    live.now += HOUR
    live.change_intent(("id: billing-support", "id: other-agent"))
    live.lock.unlink()
    found = live.evaluate().decision
    assert not found.allowed
    assert "promotion.all.approvals" in [r.id for r in found.rules if r.denied]
    live.change_intent(("id: other-agent", "id: billing-suport"))
    with live.refused("trust.unknown-agent", ExitCode.INVALID, 'unknown agent "billing-suport"'):
        live.promote()


@pytest.mark.attack("A77")
def test_a_deleted_lock_escapes_no_comparison(live: Project) -> None:
    """What is current is for the ledger to say."""
    live.now += HOUR
    live.change_intent(("version: 1.0.0", "version: 1.1.0"), ("read:invoice, ", "read:invoice, read:customer, "))
    live.lock.unlink()
    evaluation = live.evaluate()
    change: Any = evaluation.request["change"]
    assert change["verdict"] == "expansion"
    assert change["base"] != "genesis"
    assert len(change["items"]) == 1


@pytest.mark.attack("A77")
def test_a_damaged_lock_is_moved_away_and_comes_back_from_the_ledger(live: Project) -> None:
    """As the refusal says."""
    genuine = live.lock.read_bytes()
    first, *_ = genuine.splitlines(keepends=True)
    for damaged in (genuine[len(first) :], first + genuine, genuine[:-1]):
        live.lock.write_bytes(damaged)
        for act in (live.verify, live.promote):
            with pytest.raises(TrustError) as caught:
                act()
            assert "or move it away and promote again" in caught.value.problems[0].hint
    live.lock.rename(live.base / "damaged.lock")
    assert live.promote().restored == 2
    assert live.lock.read_bytes() == genuine


@pytest.mark.attack("A77")
@pytest.mark.parametrize("name", ["prodction", "all", "none", "../staging", ""])
def test_an_invented_environment(staged: Project, name: str) -> None:
    for act in (staged.promote, staged.evaluate, staged.request):
        with staged.refused("trust.unknown-environment", ExitCode.INVALID):
            act(name)


@pytest.mark.attack("A77")
def test_an_environment_that_only_the_intent_declares(staged: Project) -> None:
    staged.change_intent(("  production:\n", "  prod:\n"))
    with staged.refused("trust.unknown-environment", ExitCode.INVALID):
        staged.promote("prod")
    with staged.refused("promotion.undeclared-environment", ExitCode.INVALID):
        staged.promote("production")


@pytest.mark.attack("A20")
@pytest.mark.parametrize("schema", ["behavior.intent/v2", "behavior.intent/v0", "behavior.intent"])
def test_another_schema_version(signed: Project, schema: str) -> None:
    signed.change_intent(("schema: behavior.intent/v1", f"schema: {schema}"))
    for act in (signed.promote, signed.evaluate):
        with signed.refused("intent.unsupported-schema", ExitCode.INVALID):
            act()


@pytest.mark.attack("A20")
def test_no_schema_version(signed: Project) -> None:
    signed.change_intent(("schema: behavior.intent/v1\n", ""))
    with signed.refused("intent.missing-field", ExitCode.INVALID):
        signed.promote()


def with_bundle(shelf: Shelf, base: Path, bundle: bytes, mandatory: str = "") -> Project:
    """A project whose trust root accepts one bundle, everything else signed as always."""
    project = Project(base, shelf.cache)
    project.root.mkdir(parents=True)
    (project.root / "weak.tar.gz").write_bytes(bundle)
    project.flags["bundle.path"] = str(project.root / "weak.tar.gz")
    trust = TRUST.replace("shipped: default", "path: weak.tar.gz")
    if mandatory:
        trust = trust.replace("{id: staging}", f"{{id: staging, mandatory_rules: [{mandatory}]}}")
    return project.found(TEXT, trust)


@pytest.fixture(scope="session")
def weak_bundle(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One rule, which only ever warns."""
    tree = {n: t for n, t in good_tree().items() if "/rules/" not in n}
    tree["bspec/rules/global/tools/unbounded/unbounded.rego"] = metadata("TOL-10", "tools") + UNBOUNDED
    return build_bundle(write(tmp_path_factory.mktemp("weak"), tree), None, Opa(opa_path))


@pytest.mark.attack("A79")
def test_a_bundle_with_one_passing_rule_against_the_floor(shelf: Shelf, tmp_path: Path, weak_bundle: bytes) -> None:
    """The trust root accepts it; the floor denies until everything that no bundle can waive is there."""
    project = with_bundle(shelf, tmp_path, weak_bundle)
    every = {"floor.no-submit", "floor.no-independent-approval", "floor.no-evidence", "floor.no-request"}
    assert set(project.denied(code=ExitCode.DENIED)) == every
    project.submit()
    assert set(project.denied(code=ExitCode.DENIED)) == every - {"floor.no-submit"}
    project.attest_all()
    project.request()
    assert set(project.denied(code=ExitCode.DENIED)) == {"floor.no-independent-approval"}
    project.approve("environment-admin", by="alice")
    assert set(project.denied(code=ExitCode.DENIED)) == {"floor.no-independent-approval"}
    project.now += 1
    project.approve("security", reject=True, by="sam")
    project.approve("environment-admin", by="dana")
    assert set(project.denied(code=ExitCode.DENIED)) == {"floor.open-reject"}
    project.now += 1
    project.approve("security", by="sam")
    project.allowed()
    assert project.denied("production", code=ExitCode.DENIED)[0].startswith("floor.")
    project.sign_all("production", "environment-admin")
    project.allowed("production")
    assert [v.rules for v in project.verify().lines] == [1, 1]


@pytest.mark.attack("A79")
def test_a_mandatory_rule_that_the_bundle_lacks(shelf: Shelf, tmp_path: Path, weak_bundle: bytes) -> None:
    project = with_bundle(shelf, tmp_path, weak_bundle, mandatory="global.tools.forbidden_class")
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    assert project.denied(code=ExitCode.DENIED) == ["floor.mandatory-rule"]


@pytest.mark.attack("A41")
def test_an_organisation_that_selects_no_rule(shelf: Shelf, tmp_path: Path, weak_bundle: bytes) -> None:
    data = json.loads(good_tree()["bspec/org/data.json"])
    data["select"]["exclude"] = ["*"]
    weak = read_bundle(weak_bundle, "weak")
    with pytest.raises(BspecError) as raised:
        with_bundle(shelf, tmp_path, repack(weak, json.dumps(data).encode(), "data.json")).promote()
    assert (raised.value.code, raised.value.exit_code) == ("bundle.bad-selection", ExitCode.INVALID)
    assert not (tmp_path / "project" / "behavior.lock").exists()


@pytest.mark.attack("A41")
def test_an_organisation_that_runs_no_rule_of_one_kind_is_held_by_the_floor(shelf: Shelf, tmp_path: Path) -> None:
    shipped = read_bundle(shipped_bundle("default").read_bytes(), "default")
    data: Any = json.loads(canonical_bytes(shipped.organisation))
    data["select"] = {"include": ["global.tools.no_admin"], "exclude": [], "tiers": []}
    project = with_bundle(shelf, tmp_path, repack(shipped, json.dumps(data).encode(), "data.json"))
    assert "floor.no-submit" in project.denied(code=ExitCode.DENIED)


def test_the_binding_file_is_held_against_the_intent(resolved: Project) -> None:
    """A binding edited by hand is another binding, which everybody would have to sign."""
    file = resolved.state / "bindings" / f"{AGENT}.json"
    binding = json.loads(file.read_bytes())
    binding["entries"] = []
    file.write_bytes(canonical_bytes(binding) + b"\n")
    for act in (resolved.submit, resolved.promote, resolved.evaluate):
        with resolved.refused("binding.bad-shape", ExitCode.INVALID):
            act()
