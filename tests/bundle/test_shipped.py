from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from policy_tree import good_tree, organisation_data, write

from bspec_opa.bundle import shipped
from bspec_opa.bundle.build.rebuild import main
from bspec_opa.bundle.describe import describe
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import load_bundle, shipped_bundle
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import InvalidInputError, Reason, UsageError
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.trust import reasons

if TYPE_CHECKING:
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa


@pytest.mark.parametrize("name", ["default", "elevated"])
def test_shipped_bundles_can_be_read(name: str) -> None:
    bundle = load_bundle(shipped_bundle(name))
    assert bundle.index.rules
    assert bundle.name.endswith(f"{name}.tar.gz")


def test_the_two_have_the_same_rules() -> None:
    default, elevated = (load_bundle(shipped_bundle(n)) for n in ("default", "elevated"))
    assert (default.rules_digest, default.wasm) == (elevated.rules_digest, elevated.wasm)
    assert default.data_digest != elevated.data_digest


@pytest.mark.parametrize("name", ["defualt", "../default", "", "x" * 10_000])
def test_a_bundle_that_is_not_shipped(name: str) -> None:
    with pytest.raises(UsageError) as error:
        shipped_bundle(name)
    assert error.value.code == "bundle.not-shipped"


def test_a_file_without_a_path_is_told_how_to_be_one() -> None:
    with pytest.raises(UsageError) as error:
        shipped_bundle("acme")
    assert error.value.problems[0].hint == "known: default, elevated; a file is told by a dot or a slash: ./acme"


def test_an_installed_package_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "default.tar.gz").write_bytes(b"x")
    monkeypatch.setattr(shipped, "folders", lambda: (tmp_path, tmp_path / "none"))
    assert shipped_bundle() == tmp_path / "default.tar.gz"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as error:
        load_bundle(tmp_path / "none.tar.gz")
    assert error.value.code == "file.unreadable"


def test_rebuild_writes_and_compares(
    tmp_path: Path, opa: Opa, bundle_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "policies", good_tree())
    write(tmp_path, {"bundles/other.data.json": json.dumps({**organisation_data(), "name": "other"})})
    arguments = ["--root", str(tmp_path), "--opa", str(opa.path)]
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "bundles/default.tar.gz is stale: run make bundle",
        "bundles/other.tar.gz is stale: run make bundle",
    ]
    assert main(arguments) == 0
    assert (tmp_path / "bundles" / "default.tar.gz").read_bytes() == bundle_bytes
    other = read_bundle((tmp_path / "bundles" / "other.tar.gz").read_bytes(), "other")
    assert other.organisation["name"] == "other"
    assert main([*arguments, "--check"]) == 0
    (tmp_path / "bundles" / "other.tar.gz").write_bytes(b"")
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err == "bundles/other.tar.gz is stale: run make bundle\n"


def test_rebuild_says_what_is_wrong(tmp_path: Path, opa: Opa, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "--opa", str(opa.path)]) == 3
    assert "policies" in capsys.readouterr().err


def test_describe(bundle: Bundle) -> None:
    found = describe(bundle)
    assert {
        k: found[k] for k in ("digest", "revision", "organisation", "environments", "own_rules", "opa_version")
    } == {
        "digest": bundle.digest,
        "revision": bundle.revision,
        "organisation": "example",
        "environments": ["staging", "production"],
        "own_rules": ["production"],
        "opa_version": "1.22.2",
    }
    rules = {r["id"]: r["environments"] for r in found["rules"]}  # type: ignore[index,union-attr,call-overload]
    assert rules == {
        "global.tools.no_admin": ["staging", "production"],
        "global.tools.unbounded": ["staging", "production"],
        "promotion.all.requested": ["staging", "production"],
        "promotion.production.carried": ["production"],
    }
    files = {f["name"]: f["digest"] for f in found["files"]}  # type: ignore[index,union-attr,call-overload]
    assert files == {n: digest_of(d) for n, d in bundle.files.items()}


def test_reasons_and_names_that_rules_look_for_exist() -> None:
    """Rules compare texts that Python writes: a renamed one would make a rule that can't fire."""
    rules = Path(__file__).parents[2] / "policies" / "bspec" / "rules" / "promotion" / "all"
    texts = "".join((rules / name / f"{name}.rego").read_text() for name in ("signer_entitled", "signatures_verify"))
    codes = {r.code for r in vars(reasons).values() if isinstance(r, Reason)}
    named = set(re.findall(r'"(trust\.[a-z-]+)"', texts))
    assert len(named) == 8
    assert named <= codes
    limits_rule = rules.parents[1] / "global" / "data" / "limits_set" / "limits_set.rego"
    assert f"unlimited := {UNLIMITED}" in limits_rule.read_text()
