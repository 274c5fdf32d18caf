from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from policy_tree import Tree, allowed, good_tree, organisation_data, write

from bspec_opa.bundle.build.building import build_bundle, check_policies, check_sources, compile_wasm, repack
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.rego import type_check
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.bundle.rego.sources import read_sources
from bspec_opa.bundle.rego.type_check import check_types
from bspec_opa.foundation.errors import BspecError, EngineError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_ADMIN = "bspec/rules/global/tools/no_admin/no_admin.rego"
CARRIED = "bspec/rules/promotion/production/carried/carried.rego"
ORG = "bspec/org/data.json"


def codes(error: BspecError) -> set[str]:
    return {p.reason.code for p in error.problems}


def test_the_same_input_gives_the_same_bytes(
    bundle_bytes: bytes, opa: Opa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = write(tmp_path / "another" / "place", dict(reversed(good_tree().items())))
    monkeypatch.chdir(policies)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    assert build_bundle(policies.relative_to(policies), None, opa) == bundle_bytes


def test_what_is_in_a_bundle(bundle: Bundle) -> None:
    tree = good_tree()
    authored = {n for n in tree if n.endswith(".rego") and not n.endswith("_test.rego") and "/testing/" not in n}
    generated = {"bspec/gate/gate.rego", "bspec/gate/shape/shape.rego"}
    made = {".manifest", "index.json", "policy.wasm", "schemas/build.json", "schemas/input.json", "schemas/org.json"}
    assert set(bundle.files) == authored | generated | made | {ORG, "bspec/build/data.json"}
    assert {n: bundle.files[n].decode() for n in authored} == {n: tree[n] for n in authored}


def test_opa_evaluates_the_rego_of_a_bundle(bundle_bytes: bytes, bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    (tmp_path / "bundle.tar.gz").write_bytes(bundle_bytes)
    (tmp_path / "input.json").write_text(json.dumps({**allowed(), "requester": []}))
    arguments = ["eval", "-f", "raw", "-b", "bundle.tar.gz", "-i", "input.json"]
    decision = json.loads(opa.run([*arguments, "data.bspec.gate.decision"], cwd=tmp_path))
    assert (decision["nonce"], decision["revision"]) == ("word", bundle.revision)
    assert {i: a["status"] for i, a in (decision["global"] | decision["promotion"]).items()} == {
        "global.tools.no_admin": "pass",
        "global.tools.unbounded": "pass",
        "promotion.all.requested": "deny",
        "promotion.production.carried": "pass",
    }
    assert set(json.loads(opa.run([*arguments, "data"], cwd=tmp_path))) == {"bspec"}
    assert json.loads(opa.run(["inspect", "-f", "json", "bundle.tar.gz"], cwd=tmp_path))["manifest"] == {
        "revision": bundle.revision,
        "roots": ["bspec"],
        "rego_version": 1,
    }


def test_a_server_loads_it(bundle_bytes: bytes, opa: Opa, tmp_path: Path) -> None:
    """``opa exec`` loads bundles as the server does, and needs no port."""
    (tmp_path / "bundle.tar.gz").write_bytes(bundle_bytes)
    (tmp_path / "input.json").write_text(json.dumps(allowed()))
    out = opa.run(["exec", "-b", "bundle.tar.gz", "--decision", "bspec/gate/decision", "input.json"], cwd=tmp_path)
    assert json.loads(out)["result"][0]["result"]["contract"] == "bspec.decision/v1"


def test_the_policy_is_compiled_for_the_gate_and_needs_no_host(bundle: Bundle) -> None:
    import wasmtime

    module = wasmtime.Module(wasmtime.Engine(), bundle.wasm)
    names = {str(e.name) for e in module.exports}
    assert {"eval", "opa_eval", "entrypoints", "builtins", "opa_json_parse"} <= names


def test_other_data_beside_the_same_rules(bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    other = {
        **organisation_data(),
        "name": "other",
        "select": {"include": ["*"], "exclude": ["global.tools.unbounded"], "tiers": []},
    }
    (tmp_path / "other.json").write_text(json.dumps(other, indent=2))
    packed = repack(bundle, (tmp_path / "other.json").read_bytes(), "other.json")
    assert build_bundle(write(tmp_path / "policies", good_tree()), tmp_path / "other.json", opa) == packed
    found = read_bundle(packed, "other")
    assert found.organisation == other
    assert (found.rules_digest, found.wasm, found.index) == (bundle.rules_digest, bundle.wasm, bundle.index)
    assert found.revision != bundle.revision
    assert read_bundle(repack(found, json.dumps(organisation_data()).encode(), "x"), "x").digest == bundle.digest


def test_other_data_is_checked_too(bundle: Bundle) -> None:
    with pytest.raises(InvalidInputError) as error:
        repack(bundle, b'{"name": "other"}', "other.json")
    assert error.value.code == "bundle.organisation-data"


def spoil(name: str, old: str, new: str) -> Callable[[Tree], None]:
    def apply(tree: Tree) -> None:
        assert old in tree[name]
        tree[name] = tree[name].replace(old, new)

    return apply


REFUSED: dict[str, tuple[Callable[[Tree], object], str, str]] = {
    "misspelt input": (spoil(NO_ADMIN, "input.intent.tools", "input.intnet.tools"), "bundle.rego-invalid", f"{NO_ADMIN}:16"),
    "misspelt deeper": (spoil(NO_ADMIN, "t.privilege}", "t.privlege}"), "bundle.rego-invalid", f"{NO_ADMIN}:15"),
    "syntax": (spoil(NO_ADMIN, "deny contains", "deny"), "bundle.rego-invalid", f"{NO_ADMIN}:15"),
    "text against numbers": (spoil(CARRIED, "not p.same_binding", "p.age_seconds > input.now"), "bundle.rego-invalid", f"{CARRIED}:16"),
    "a builtin": (
        spoil(CARRIED, "not p.same_binding", 'http.send({"method": "get", "url": p.line}).status_code == 200'),
        "bundle.forbidden-builtin",
        f"{CARRIED}:16",
    ),
    "our lint": (spoil(NO_ADMIN, "deny contains", "denies contains"), "bundle.rule-form", f"{NO_ADMIN}:11"),
    "metadata": (spoil(NO_ADMIN, "severity: high", "severity: hihg"), "bundle.metadata-invalid", f"{NO_ADMIN}:6:5"),
    "data at a rule's place": (
        lambda t: t.update({"bspec/rules/global/tools/no_admin/data.json": '{"deny": []}'}),
        "bundle.layout",
        "bspec/rules/global/tools/no_admin/data.json",
    ),
    "no rules": (lambda t: [t.pop(n) for n in list(t) if "/rules/" in n], "bundle.no-rules", ""),
    "no data": (lambda t: t.pop(ORG), "bundle.organisation-data", ORG),
    "wrong data": (lambda t: t.update({ORG: "{}"}), "bundle.organisation-data", ORG),
    "a rule for an unknown environment": (
        spoil(ORG, '"id": "production"', '"id": "prod"'),
        "bundle.organisation-data",
        f"{ORG}:1",
    ),
}  # fmt: skip


@pytest.mark.attack("A69")
@pytest.mark.attack("A41")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_built(name: str, policies: Callable[[Tree], Path], opa: Opa) -> None:
    change, code, place = REFUSED[name]
    tree = good_tree()
    change(tree)
    root = policies(tree)
    with pytest.raises(InvalidInputError) as error:
        build_bundle(root, None, opa)
    assert error.value.code == code
    assert str(error.value.problems[0].location).startswith(str(root / place))


@pytest.mark.attack("A37")
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("# \u202e note\n\tt.privilege", "document.hidden-character"),
        ("# note \rt.privilege", "document.hidden-character"),
        ("# note \u2028t.privilege", "document.hidden-character"),
        ("# cafe\u0301\n\tt.privilege", "document.not-nfc"),
    ],
    ids=["bidirectional", "carriage-return", "line-separator", "another-form"],
)
def test_a_reviewer_sees_what_is_compiled(written: str, code: str, opa: Opa, tree: Tree, tmp_path: Path) -> None:
    text = tree[NO_ADMIN]
    row = text[: text.index("t.privilege")].count("\n") + 1
    with pytest.raises(InvalidInputError) as error:
        check_policies(write(tmp_path, {**tree, NO_ADMIN: text.replace("t.privilege", written, 1)}), opa)
    (problem,) = error.value.problems
    assert (problem.reason.code, problem.rule) == (code, "layout/hidden-character")
    assert problem.location is not None
    assert (problem.location.file.removeprefix(f"{tmp_path}/"), problem.location.line) == (NO_ADMIN, row)


def test_checking_without_building(policies: Callable[[Tree], Path], opa: Opa, bundle: Bundle, tree: Tree) -> None:
    assert check_policies(policies(tree), opa) == bundle.index
    (policies(tree) / ORG).unlink()
    assert check_policies(policies({}), opa) == bundle.index
    (policies(tree) / ORG).write_text("[]")
    with pytest.raises(InvalidInputError) as error:
        check_policies(policies({}), opa)
    assert error.value.code == "bundle.organisation-data"


def test_another_opa_builds_nothing(policies: Callable[[Tree], Path], tree: Tree, tmp_path: Path) -> None:
    other = tmp_path / "opa"
    other.write_text("#!/bin/sh\necho 'Version: 1.0.0'\n")
    other.chmod(0o755)
    with pytest.raises(EngineError) as error:
        build_bundle(policies(tree), None, Opa(other))
    assert error.value.code == "bundle.opa-failed"


@pytest.fixture
def work(policies: Callable[[Tree], Path], tree: Tree, tmp_path: Path, opa: Opa) -> Path:
    """A work folder that passed all checks."""
    folder = tmp_path / "work"
    folder.mkdir()
    check_sources(read_sources(policies(tree)), folder, opa)
    return folder


@pytest.mark.parametrize("half", ["all", "packed"])
def test_the_check_is_live_or_nothing_is_built(half: str, work: Path, opa: Opa) -> None:
    (work / half / "bspec" / "bspec.rego").unlink()
    if half == "all":
        check_types(work, opa)  # the packed half is what counts
        return
    with pytest.raises(EngineError) as error:
        check_types(work, opa)
    assert error.value.code == "bundle.schema-check-dead"


def test_an_allow_list_that_allows_everything_is_noticed(work: Path, opa: Opa) -> None:
    (work / "capabilities.json").write_text(opa.run(["capabilities", "--current"]))
    with pytest.raises(EngineError) as error:
        check_types(work, opa)
    assert error.value.code == "bundle.schema-check-dead"


def test_a_canary_that_dies_of_something_else_is_no_proof(work: Path, opa: Opa, tmp_path: Path) -> None:
    wrapper = tmp_path / "opa"
    real = f'exec {opa.path} "$@"'
    wrapper.write_text(f"#!/bin/sh\nif [ -e packed/bspec/rules/canary ]; then echo broken >&2; exit 1; fi\n{real}\n")
    wrapper.chmod(0o755)
    with pytest.raises(BspecError) as error:
        check_types(work, Opa(wrapper))
    assert codes(error.value) == {"bundle.rego-invalid"}


def test_the_decision_depends_on_data_that_exist(work: Path, opa: Opa) -> None:
    order = work / "packed" / "bspec" / "lib" / "order" / "order.rego"
    order.write_text(order.read_text().replace("privilege :=", "rank :="))
    with pytest.raises(InvalidInputError) as error:
        check_types(work, opa)
    assert "bundle.unknown-reference" in codes(error.value)
    assert "data.bspec.lib.order.privilege" in str(error.value)


def test_every_canary_is_a_misspelling_of_something(work: Path) -> None:
    assert set(type_check.CANARIES) == {"input.intnet", "data.bspec.org.enviroments", "data.bspec.build.revison"}
    assert not (work / "packed" / "bspec" / "rules" / "canary").exists()


def test_the_compiled_policy_does_not_depend_on_the_place(work: Path, opa: Opa, bundle: Bundle, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(work / "capabilities.json", elsewhere)
    assert compile_wasm(elsewhere, bundle.files, opa) == bundle.wasm


def test_a_compiler_that_writes_no_policy(work: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-cf", "compiled.tar", "-C", str(work), "capabilities.json"], cwd=tmp_path, check=True)
    subprocess.run(["gzip", "-n", "compiled.tar"], cwd=tmp_path, check=True)
    fake = tmp_path / "opa"
    fake.write_text(f"#!/bin/sh\n/bin/cp {tmp_path}/compiled.tar.gz compiled.tar.gz\n")
    fake.chmod(0o755)
    with pytest.raises(EngineError) as error:
        compile_wasm(work, {"bspec/x.rego": b"package bspec.x\n"}, Opa(fake))
    assert error.value.code == "bundle.no-wasm"
