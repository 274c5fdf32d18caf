"""A pack on top of a base: what it gets, who owns what, and what it may not do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from policy_tree import NO_ADMIN, Tree, good_tree, metadata, organisation_data, write

from bspec_opa.bundle.build.building import build_bundle, check_policies, repack
from bspec_opa.bundle.build.composition import Foundation, compose
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import FIXTURES
from bspec_opa.foundation.errors import InvalidInputError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa

RULE = "bspec/rules/global/payments/no_shell/no_shell.rego"
NO_SHELL = metadata("PAY-01", "payments") + NO_ADMIN.replace("tools.no_admin", "payments.no_shell")
REVISION = "sha256:" + 64 * "0"


def pack(**more: str) -> Tree:
    return {RULE: NO_SHELL, **{k: v for k, v in more.items() if v}}


def on(base: Bundle) -> Foundation:
    return Foundation(base, base.revision, "team:payments")


@pytest.fixture(scope="session")
def composed(bundle: Bundle, opa: Opa, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build_bundle(write(tmp_path_factory.mktemp("pack"), pack()), None, opa, on(bundle))


def test_sources_are_the_base_and_the_pack(bundle: Bundle, tmp_path: Path) -> None:
    test = RULE.replace(".rego", "_test.rego")
    found = compose(write(tmp_path, {**pack(), test: ""}), on(bundle))
    authored = {n for n in good_tree() if n.endswith((".rego", ".json")) and not n.endswith("_test.rego")}
    assert set(found.files) == authored | {RULE, test}
    assert found.borrowed == authored
    assert found.own == {RULE: NO_SHELL.encode(), test: b""}
    assert {n for n, o in found.owners.items() if o == "team:payments"} == {RULE, test}
    assert {o for n, o in found.owners.items() if n in authored} == {"bspec-opa"}
    assert list(found.files) == sorted(found.files)
    assert found.files[FIXTURES] != good_tree()[FIXTURES].encode(), "the program's own, a bundle holds none"


def test_a_composed_bundle_says_whose_rules_it_has(composed: bytes, bundle: Bundle) -> None:
    found = read_bundle(composed, "acme")
    assert {r.id: r.owner for r in found.index.rules} == {
        "global.payments.no_shell": "team:payments",
        **{r.id: "bspec-opa" for r in bundle.index.rules},
    }
    assert found.index.owners() == {"bspec-opa": 4, "team:payments": 1}
    assert [(b.revision, b.digest) for b in found.base] == [(bundle.revision, bundle.digest)]
    assert found.organisation == bundle.organisation
    assert {n: d for n, d in bundle.files.items() if n.startswith("bspec/rules/")}.items() <= found.files.items()
    other = read_bundle(repack(found, json.dumps({**organisation_data(), "name": "b"}).encode(), "d"), "b")
    assert (other.base, other.index) == (found.base, found.index)


def test_a_pack_on_a_pack_keeps_the_owners(composed: bytes, opa: Opa, tmp_path: Path) -> None:
    middle = read_bundle(composed, "middle")
    rule = NO_SHELL.replace("PAY-01", "OPS-01").replace("payments", "ops")
    root = write(tmp_path, {RULE.replace("payments", "ops"): rule})
    top = read_bundle(build_bundle(root, None, opa, Foundation(middle, middle.revision, "team:ops")), "top")
    assert top.index.owners() == {"bspec-opa": 4, "team:ops": 1, "team:payments": 1}
    assert [b.digest for b in top.base] == [middle.digest, middle.base[0].digest]


def test_a_pack_may_bring_data_of_its_own(bundle: Bundle, tmp_path: Path) -> None:
    data = json.dumps({**organisation_data(), "name": "acme"})
    found = compose(write(tmp_path, {**pack(), "bspec/org/data.json": data}), on(bundle))
    assert found.files["bspec/org/data.json"] == data.encode()
    assert "bspec/org/data.json" not in found.borrowed


@pytest.mark.attack("A41")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bspec/rules/global/tools/no_admin/no_admin.rego", "the base has this file"),
        ("bspec/rules/global/tools/no_admin/other.rego", "the folder is a package of the base"),
        ("bspec/rules/global/tools/no_admin/deny/deny.rego", "the folder is a package of the base"),
        ("bspec/lib/gate/gate.rego", "the base has this file"),
        ("bspec/lib/gate/more.rego", "the folder is a package of the base"),
        ("bspec/lib/more.rego", "the folder is around packages of the base"),
        ("bspec/rules/global/tools/more.rego", "the folder is around packages of the base"),
        ("bspec/gate/gate.rego", "the base has this file"),
        ("bspec/gate/more.rego", "a pack has rules, libraries and fixtures only"),
        ("bspec/more.rego", "a pack has rules, libraries and fixtures only"),
        ("bspec/build/data.json", "the base has this file"),
        ("bspec/testing/testing.rego", "the base has this file"),
        ("bspec/testing/more.rego", "the folder is a package of the base"),
    ],
)
def test_a_pack_adds_and_never_replaces(name: str, message: str, bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    root = write(tmp_path, {**pack(), name: "package x\n"})
    with pytest.raises(InvalidInputError) as error:
        build_bundle(root, None, opa, on(bundle))
    assert [(p.reason.code, p.message, p.location and p.location.file) for p in error.value.problems] == [
        ("bundle.pack", message, str(root / name))
    ]


@pytest.mark.attack("A41")
def test_a_pack_adds_nothing_to_a_set_of_the_base(bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    # OPA joins a definition like this with what the package data.bspec.lib.gate says itself: more counts than should.
    around = metadata("PAY-02", "payments") + "package bspec.lib\n\ngate.in_force contains 1 if input.now_unix > 0\n"
    with pytest.raises(InvalidInputError, match="around packages of the base"):
        build_bundle(write(tmp_path, {**pack(), "bspec/lib/lib.rego": around}), None, opa, on(bundle))


def test_fixtures_and_libraries_of_a_pack(bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    library = '# METADATA\n# title: Words\n# description: Words.\npackage bspec.lib.words\n\nshell := {"bash"}\n'
    fixture = "package bspec.testing.payments\n\nshell := 1\n"
    more = {"bspec/lib/words/words.rego": library, "bspec/testing/payments/payments.rego": fixture}
    assert len(check_policies(write(tmp_path, {**pack(), **more}), opa, on(bundle)).rules) == 5


def test_a_code_of_the_base_is_told_at_the_packs_file(bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    root = write(tmp_path, {RULE: NO_SHELL.replace("PAY-01", "TOL-10")})
    with pytest.raises(InvalidInputError) as error:
        check_policies(root, opa, on(bundle))
    assert [(p.message, str(p.location)) for p in error.value.problems] == [
        (
            "the code TOL-10 belongs to bspec/rules/global/tools/unbounded/unbounded.rego",
            f"{root / RULE}:1:1",
        )
    ]


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"revision": ""}, InvalidInputError, "bundle.base"),
        ({"revision": REVISION}, TrustError, "bundle.base-revision"),
        ({"owner": ""}, InvalidInputError, "bundle.base"),
        ({"owner": "the payments team"}, InvalidInputError, "bundle.base"),
    ],
)
def test_base_and_owner_are_demanded(
    change: dict[str, str], kind: type[Exception], code: str, bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(kind) as error:
        compose(write(tmp_path, pack()), replace(on(bundle), **change))  # type: ignore[arg-type]
    assert error.value.code == code  # type: ignore[attr-defined]


def test_a_whole_library(bundle: Bundle, tmp_path: Path) -> None:
    root = write(tmp_path, good_tree())
    assert set(compose(root).owners.values()) == {"bspec-opa"}
    assert set(compose(root, Foundation(bundle, "", "team:a")).owners.values()) == {"team:a"}
    assert compose(root).borrowed == frozenset()
    with pytest.raises(InvalidInputError) as error:
        compose(root, on(bundle))
    assert error.value.code == "bundle.base"
