"""Packs by tier, from the organisation's data to the gate: who may be judged by fewer rules, and who may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from project import DAY, TRUST, Project

from bspec_opa.bundle.build.building import pack, repack
from bspec_opa.bundle.layout import BUILD_DATA, INDEX, MANIFEST, ORGANISATION_DATA
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf

LOW = ("tier: high, exposure: customer", "tier: low, exposure: internal")
EGRESS = ("network: {egress: allowlist, hosts: [billing.internal]}", "network: {egress: open}")
NO_EGRESS = "global.data.no_open_egress"
PACKS = {
    "include": ["*"],
    "exclude": [],
    "tiers": [{"tier": "low", "include": [], "exclude": ["@data", "global.tools.unbounded_range"]}],
}


def bundle_with(make: Callable[..., bytes], select: dict[str, Any]) -> bytes:
    shipped = read_bundle(shipped_bundle("default").read_bytes(), "default")
    return make(shipped, {**shipped.organisation, "select": select})


def built(shipped: Any, data: dict[str, Any]) -> bytes:
    return repack(shipped, json.dumps(data).encode(), "data.json")


def forged(shipped: Any, data: dict[str, Any]) -> bytes:
    """A bundle in every respect but one: nobody has checked its data."""
    own = {MANIFEST, INDEX, ORGANISATION_DATA, BUILD_DATA}
    return pack(
        {n: d for n, d in shipped.files.items() if n not in own}, shipped.index, data, shipped.wasm, shipped.opa_version
    )


def project_with(
    shelf: Shelf, base: Path, bundle: bytes, *replacements: tuple[str, str], trust: str = TRUST
) -> Project:
    project = Project(base, shelf.cache)
    project.root.mkdir(parents=True)
    (project.root / "packs.tar.gz").write_bytes(bundle)
    project.flags["bundle.path"] = str(project.root / "packs.tar.gz")
    text = TEXT
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return project.found(text, trust.replace("shipped: default", "path: packs.tar.gz"))


def ran(project: Project) -> set[str]:
    return {r.id for r in project.evaluate().decision.rules}


def test_a_low_tier_is_judged_by_its_pack(shelf: Shelf, tmp_path: Path) -> None:
    bundle = bundle_with(built, PACKS)
    low = ran(project_with(shelf, tmp_path / "low", bundle, LOW, EGRESS))
    high = ran(project_with(shelf, tmp_path / "high", bundle))
    assert low < high
    assert high - low == {r for r in high if r.startswith("global.data.")} | {"global.tools.unbounded_range"}


def test_saying_low_is_not_enough(shelf: Shelf, tmp_path: Path) -> None:
    project = project_with(shelf, tmp_path, bundle_with(built, PACKS), ("tier: high", "tier: low"))
    found = {r.id for r in project.evaluate().decision.denied}
    assert found == {"global.baseline.exposure_tier"}


def test_a_lowered_tier_drops_no_rule_at_once(shelf: Shelf, tmp_path: Path) -> None:
    project = project_with(shelf, tmp_path, bundle_with(built, PACKS))
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    project.allowed()
    project.now += DAY
    project.change_intent(LOW, EGRESS, ("version: 1.0.0", "version: 1.1.0"))
    project.resolve()
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")
    assert NO_EGRESS in project.denied(code=ExitCode.DENIED)


@pytest.mark.attack("A79")
def test_a_mandatory_rule_that_a_pack_drops(shelf: Shelf, tmp_path: Path) -> None:
    trust = TRUST.replace("{id: staging}", f"{{id: staging, mandatory_rules: [{NO_EGRESS}]}}")
    project = project_with(shelf, tmp_path, bundle_with(built, PACKS), LOW, trust=trust)
    assert "floor.mandatory-rule" in project.denied()


@pytest.mark.attack("A79")
@pytest.mark.parametrize(
    ("select", "code"),
    [
        ({**PACKS, "exclude": ["@tier_guard"]}, "bundle.tier-guard"),
        ({**PACKS, "tiers": [{"tier": "low", "include": [], "exclude": ["@baseline"]}]}, "bundle.tier-guard"),
        ({**PACKS, "tiers": [{"tier": "low", "include": [], "exclude": ["@nothing"]}]}, "bundle.bad-selection"),
        ({**PACKS, "tiers": [{"tier": "low", "include": [], "exclude": ["*"]}]}, "bundle.bad-selection"),
    ],
)
def test_an_accepted_bundle_that_no_build_has_checked(
    shelf: Shelf, tmp_path: Path, select: dict[str, Any], code: str
) -> None:
    with pytest.raises(BspecError) as refused:
        bundle_with(built, select)
    assert refused.value.code == code
    project = project_with(shelf, tmp_path, bundle_with(forged, select), LOW)
    with pytest.raises(BspecError) as undecided:
        project.evaluate()
    assert undecided.value.code == code
