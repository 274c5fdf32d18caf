"""``policy impact``: a candidate bundle beside the one in use, on a real ledger's inputs and on files."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

ROOT = Path(__file__).parents[2]
STAGING = ("behavior.intent", "--env", "staging")
FORBIDDEN = "global.tools.forbidden_class"


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """The shipped organisation's."""
    found: dict[str, Any] = json.loads((ROOT / "policies" / "bspec" / "org" / "data.json").read_text(encoding="utf-8"))
    return found


def bundle(shell: Shell, name: str, data: dict[str, Any]) -> str:
    """The shipped rules under other data."""
    Path(f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    shell.ok("bundle", "build", "--reuse-wasm", "default", "-o", f"{name}.tar.gz", "--data", f"{name}.json", "-q")
    return f"{name}.tar.gz"


def stricter(data: dict[str, Any]) -> dict[str, Any]:
    """Nobody may read finance, and probes take two cases."""
    rule = {"class": "finance", "privilege": "read", "reason": "no agent reads them"}
    return {**data, "forbidden": [*data["forbidden"], rule]}


def impact(shell: Shell, *arguments: str, code: int = 0) -> Any:
    result = shell("policy", "impact", *arguments, "--format", "json")
    assert result.code == code, result.err
    assert result.json["exit_code"] == code
    return result.json


def with_denial(shell_at: At) -> Shell:
    """A ledger with a denial of the unsigned version, and the promotion of the same one signed."""
    shell = shell_at("bound")
    assert shell("promote", *STAGING, "-q").code == 5
    shell.now += 60
    shell.sign()
    shell.promote()
    return shell


def test_the_same_bundle_changes_nothing_of_what_was_decided(shell_at: At) -> None:
    found = impact(with_denial(shell_at), "default", "--all")
    assert [(i["before"]["verdict"], i["after"]["verdict"], i["changes"]) for i in found["inputs"]] == [
        ("pending", "pending", []),
        ("warned", "warned", []),
    ]
    assert found["inputs"][0]["input"] == "entry:0"
    assert found["counts"] == {"compared": 2, "changed": 0, "new_denials": 0, "errors": 0, "older": 0}
    assert found["rules"] == {"added": [], "removed": [], "changed": [], "data_changed": False}


def test_stricter_data_denies_with_exactly_its_rule(shell_at: At, data: dict[str, Any]) -> None:
    shell = with_denial(shell_at)
    strict = bundle(shell, "strict", stricter(data))
    found = impact(shell, strict, "--fail-on-new-denials", "--all", code=4)
    assert found["counts"] == {"compared": 2, "changed": 2, "new_denials": 2, "errors": 0, "older": 0}
    message = (
        "tool billing_read_api: class finance may not have privilege read in this organisation (no agent reads them)"
    )
    for one, before in zip(found["inputs"], ("pending", "warned"), strict=True):
        assert (one["before"]["verdict"], one["after"]["verdict"], one["new_denial"]) == (before, "denied", True)
        (change,) = one["changes"]
        assert (change["rule"], change["kind"], change["before"], change["after"]) == (
            FORBIDDEN,
            "newly-firing",
            "pass",
            "denied",
        )
        assert [(s["level"], s["path"]) for s in change["appeared"]] == [("denied", "/tools/0/privilege")]
        assert change["disappeared"] == []
        assert change["appeared"][0]["message"] == message
    assert found["by_rule"] == [{"id": FORBIDDEN, "newly_firing": 2, "no_longer_firing": 0, "changed": 0}]
    # Of each agent and environment the newest, and without the flag it is no failure.
    newest = impact(shell, strict)
    assert newest["counts"] == {"compared": 1, "changed": 1, "new_denials": 1, "errors": 0, "older": 1}
    text = shell.ok("policy", "impact", strict).out
    assert text.startswith("1 NEW DENIAL  1 input compared, 1 changed, 1 older set aside (--all)\n")
    assert f"    newly      {FORBIDDEN}  (pass → denied)\n" in text
    # And the other way round: what was denied no longer is.
    back = impact(shell, "default", "--against", strict, "--fail-on-new-denials")
    assert back["verdicts"] == [{"before": "denied", "after": "warned", "inputs": 1}]
    assert [c["kind"] for c in back["inputs"][0]["changes"]] == ["no-longer-firing"]


def test_files_directories_and_stored_objects(shell_at: At, data: dict[str, Any]) -> None:
    shell = with_denial(shell_at)
    Path("inputs").mkdir()
    Path("inputs/now.json").write_text(shell.ok("normalize", *STAGING).out, encoding="utf-8")
    Path("inputs/check.json").write_text(shell.ok("normalize", "behavior.intent").out, encoding="utf-8")
    strict = bundle(shell, "strict", stricter(data))
    found = impact(shell, strict, "inputs", ".bspec/objects", "--all")
    by_name = {i["input"]: i for i in found["inputs"]}
    assert len(by_name) == 4
    assert {n for n in by_name if n.startswith("inputs/")} == {"inputs/now.json", "inputs/check.json"}
    assert by_name["inputs/check.json"]["environment"] == "none"
    assert by_name["inputs/check.json"]["before"] == {"verdict": "warned", "floor": []}
    assert {i["after"]["verdict"] for i in found["inputs"]} == {"denied"}
    # A ledger that is named counts beside the files.
    both = impact(shell, strict, "inputs/check.json", "--ledger", ".bspec/ledger", "--all")
    assert [i["input"].partition(":")[0] for i in both["inputs"]] == ["inputs/check.json", "entry", "entry"]


@pytest.mark.attack("A41")
def test_nothing_to_compare_on_is_an_error(shell_at: At) -> None:
    shell = shell_at("ready")
    assert shell("policy", "impact", "default").code == 3
    Path("empty").mkdir()
    found = impact(shell, "default", "empty", code=3)
    assert [p["code"] for e in found["errors"] for p in e["problems"]] == ["impact.no-input"]
    # Beside inputs, too, a ledger that is named has to be there, and to be one that can be verified.
    Path("input.json").write_text(shell.ok("normalize", "behavior.intent").out, encoding="utf-8")
    gone = shell("policy", "impact", "default", "input.json", "--ledger", "gone")
    assert gone.code == 2
    assert gone.err.startswith("gone: holds no entry, or is not there; name the directory with log.jsonl")
    assert gone.err.endswith("[recorded.no-ledger]\n")
    shutil.rmtree(".bspec/trust")
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    untrusted = shell("policy", "impact", "default", "input.json", "--ledger", "empty")
    assert untrusted.code == 2
    assert "can't be verified without a trust root" in untrusted.err


def test_what_can_not_be_compared_is_listed_and_counted(shell_at: At, data: dict[str, Any]) -> None:
    shell = shell_at("bare")
    Path("inputs").mkdir()
    good = json.loads(shell.ok("normalize", *STAGING).out)
    Path("inputs/a-good.json").write_bytes(canonical_bytes(good))
    Path("inputs/b-other-environment.json").write_bytes(canonical_bytes({**good, "environment": "moon"}))
    Path("inputs/c-old-contract.json").write_bytes(canonical_bytes({**good, "contract": "bspec.input/v0"}))
    Path("inputs/d-more.json").write_bytes(canonical_bytes({**good, "more": 1}))
    Path("inputs/e-twice.json").write_bytes(b'{"contract": "bspec.input/v1", "contract": "bspec.input/v1"}')
    Path("inputs/f-none.json").write_bytes(b"nothing")
    found = impact(shell, "default", "inputs", code=3)
    assert [i["input"] for i in found["inputs"]] == ["inputs/a-good.json"]
    assert {e["input"]: e["problems"][0]["code"] for e in found["errors"]} == {
        "inputs/b-other-environment.json": "bundle.unknown-environment",
        "inputs/c-old-contract.json": "recorded.bad-input",
        "inputs/d-more.json": "recorded.bad-input",
        "inputs/e-twice.json": "document.duplicate-key",
        "inputs/f-none.json": "document.syntax",
    }
    assert found["counts"]["errors"] == 5
    text = shell("policy", "impact", "default", "inputs").out
    assert text.startswith("INCOMPLETE  1 input compared, 0 changed, 5 could not be compared\n")


def test_an_environment_that_only_one_bundle_knows_is_an_error(shell_at: At, data: dict[str, Any]) -> None:
    shell = shell_at("bare")
    more = {**data, "environments": [*data["environments"], {"id": "moon", "schemas": ["behavior.intent/v1"]}]}
    moon = bundle(shell, "moon", more)
    request = json.loads(shell.ok("normalize", *STAGING).out)
    Path("input.json").write_bytes(canonical_bytes({**request, "environment": "moon"}))
    for arguments in ((moon, "--against", "default"), ("default", "--against", moon)):
        found = impact(shell, arguments[0], "input.json", *arguments[1:], code=3)
        assert [p["code"] for e in found["errors"] for p in e["problems"]] == ["bundle.unknown-environment"]


def test_a_rule_that_is_deselected_no_longer_fires(shell_at: At, data: dict[str, Any]) -> None:
    shell = shell_at("bare")
    rule = "global.tools.unbounded_range"
    quiet = bundle(shell, "quiet", {**data, "select": {**data["select"], "exclude": [rule]}})
    Path("input.json").write_text(shell.ok("normalize", *STAGING).out, encoding="utf-8")
    (one,) = impact(shell, quiet, "input.json")["inputs"]
    (change,) = one["changes"]
    assert (change["rule"], change["before"], change["after"]) == (rule, "warned", "absent")
    assert change["kind"] == "no-longer-firing"


def test_several_processes_say_the_same_in_the_same_order(shell_at: At, data: dict[str, Any]) -> None:
    shell = shell_at("bare")
    strict = bundle(shell, "strict", stricter(data))
    request = json.loads(shell.ok("normalize", *STAGING).out)
    Path("inputs").mkdir()
    for number in range(12):
        metadata = {**request["intent"]["metadata"], "id": f"agent-{number:02}"}
        changed = {**request, "intent": {**request["intent"], "metadata": metadata}}
        Path(f"inputs/{11 - number}.json").write_bytes(canonical_bytes(changed))
    Path("inputs/bad.json").write_bytes(b"{}")
    one, two = (impact(shell, strict, "inputs", "--jobs", n, code=3) for n in ("1", "2"))
    assert one == two
    assert [i["agent"] for i in one["inputs"]] == [f"agent-{n:02}" for n in range(12)]
    assert one["counts"] == {"compared": 12, "changed": 12, "new_denials": 12, "errors": 1, "older": 0}


@dataclass(frozen=True)
class Waived:
    """A bundle under which an input is allowed by a waiver only, and that input."""

    shell: Shell
    against: str
    file: str


@pytest.fixture
def waived(shell_at: At, data: dict[str, Any]) -> Waived:
    shell = shell_at("bare")
    strict = bundle(shell, "strict", {**data, "providers": ["openai"]})
    request: Any = json.loads(shell.ok("normalize", "behavior.intent").out)
    Path("plain.json").write_bytes(canonical_bytes(request))
    rule = "global.models.provider_allowed"
    (one,) = impact(shell, strict, "plain.json")["inputs"]
    said = [s for c in one["changes"] if c["rule"] == rule for s in c["appeared"]]
    assert said
    assert one["new_denial"]
    waivers: Any = [
        {
            "id": f"sha256:{number:064}",
            "rule": rule,
            "path": s["path"],
            "msg": s["message"],
            "binds": dict.fromkeys(("intent", "binding", "environment", "base"), True),
            "expires_unix": request["now_unix"] + 60,
        }
        for number, s in enumerate(said)
    ]
    Path("waived.json").write_bytes(canonical_bytes({**request, "waivers": waivers}))
    return Waived(shell, strict, "waived.json")


def test_a_waiver_holds_under_other_data_and_is_void_under_another_source(waived: Waived, opa_path: Path) -> None:
    rule = "global.models.provider_allowed"
    shell = waived.shell
    same = impact(shell, waived.against, waived.file, "--against", waived.against)
    assert [(i["before"]["verdict"], i["after"]["verdict"], i["voided_waivers"]) for i in same["inputs"]] == [
        ("warned", "warned", [])
    ]
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    shutil.copytree(ROOT / "policies", "policies")
    source = Path("policies/bspec/rules/global/models/provider_allowed/provider_allowed.rego")
    source.write_text(source.read_text(encoding="utf-8") + "\n# a remark changes nothing but the source\n", "utf-8")
    shutil.copy("strict.json", "policies/bspec/org/data.json")
    found = impact(shell, "policies", waived.file, "--against", waived.against, "--fail-on-new-denials", code=4)
    assert found["rules"]["changed"] == [rule]
    (one,) = found["inputs"]
    assert {w["rule"] for w in one["voided_waivers"]} == {rule}
    assert (one["before"]["verdict"], one["after"]["verdict"], one["new_denial"]) == ("warned", "denied", True)
    (change,) = one["changes"]
    assert (change["rule"], change["kind"], change["before"], change["after"]) == (
        rule,
        "newly-firing",
        "waived",
        "denied",
    )


def test_policies_that_do_not_build_are_refused_with_their_place(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("bare")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    Path("input.json").write_text(shell.ok("normalize", *STAGING).out, encoding="utf-8")
    shutil.copytree(ROOT / "policies", "policies")
    source = Path("policies/bspec/rules/global/tools/no_admin/no_admin.rego")
    source.write_text(source.read_text(encoding="utf-8").replace("input.intent.tools", "input.intnet.tools"), "utf-8")
    result = shell("policy", "impact", "policies", "input.json")
    assert result.code == 3
    assert "input.intnet" in result.err
    assert "no_admin.rego:14" in result.err
