from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from policy_tree import NO_ADMIN, metadata, write
from sidecars import opa_server

from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PACK_RULE = "bspec/rules/global/pay/no_shell/no_shell.rego"
REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "bundles" / "elevated.data.json"


def test_inspect_the_shipped_one(shell_at: At) -> None:
    shell = shell_at("empty")
    result = shell.ok("bundle", "inspect")
    document = shell.ok("bundle", "inspect", "default", "--format", "json").json
    assert result.lines[:2] == ["BUNDLE  default", f"  digest    {document['digest']}"]
    assert {line.split()[2] for line in result.lines if line.startswith(("  deny ", "  warn "))} == {
        r["id"] for r in document["rules"]
    }


def test_export_is_the_shipped_one_and_a_real_opa_loads_it(shell_at: At, opa_path: Path) -> None:
    """Byte for byte; then the OPA's answer is accepted as the bundle's."""
    shell = shell_at("signed")
    Path("for opa").mkdir()
    result = shell.ok("bundle", "export", "default", "-o", "for opa/bspec.tar.gz")
    file = Path("for opa/bspec.tar.gz")
    assert file.read_bytes() == shipped_bundle().read_bytes()
    assert result.lines[0] == "EXPORTED  for opa/bspec.tar.gz"
    assert result.lines[-1] == f"next  opa run --server --set bundles.bspec.resource={file.absolute().as_uri()}"
    again = shell.ok("bundle", "export", str(file), "-o", "again.tar.gz", "--format", "json").json
    inspected = shell.ok("bundle", "inspect", "--format", "json").json
    assert {k: again[k] for k in ("revision", "digest")} == {k: inspected[k] for k in ("revision", "digest")}
    with opa_server(opa_path, Path("again.tar.gz").absolute()) as (_, url):
        evaluated = shell.ok("evaluate", "behavior.intent", "--env", "staging", "--opa-url", url, "--format", "json")
    assert evaluated.json["assurance"] == "cross-checked"


def test_what_is_no_bundle_is_not_exported(shell_at: At) -> None:
    shell = shell_at("empty")
    Path("x.tar.gz").write_bytes(b"no tar")
    assert shell("bundle", "export", "x.tar.gz", "-o", "y.tar.gz").code in {3, 7}
    assert shell("bundle", "export", "defualt", "-o", "y.tar.gz").code == 2
    assert not Path("y.tar.gz").exists()


@pytest.mark.parametrize(
    "made",
    [
        ("export", "default"),
        ("build", "--reuse-wasm", "default", "--data", str(DATA)),
        ("build", "policies"),
    ],
    ids=lambda made: "-".join(made[:2]),
)
def test_no_directory_is_made_for_a_bundle(shell_at: At, made: tuple[str, ...]) -> None:
    result = shell_at("empty")("bundle", *made, "-o", "nope/x.tar.gz")
    assert result.code == 9
    assert result.err == (
        "nope/x.tar.gz: can't be written: its directory is missing; create it first [file.unwritable]\n"
    )
    assert list(Path().iterdir()) == []


def test_repack_under_other_data_without_opa(shell_at: At) -> None:
    shell = shell_at("empty")
    result = shell.ok("bundle", "build", "--reuse-wasm", "default", "-o", "acme.tar.gz", "--data", str(DATA))
    assert result.lines[0] == "BUILT  acme.tar.gz"
    again = shell.ok(
        *("bundle", "build", "--reuse-wasm", "default", "-o", "again.tar.gz", "--data", str(DATA)),
        *("--format", "json"),
    )
    assert again.json["file"] == "again.tar.gz"
    assert Path("acme.tar.gz").read_bytes() == Path("again.tar.gz").read_bytes()


@pytest.mark.soak
def test_build_from_policies_is_what_is_shipped(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    shutil.copytree(REPOSITORY / "policies", "policies")
    shell.ok("bundle", "build", "policies", "-o", "default.tar.gz")
    assert Path("default.tar.gz").read_bytes() == (REPOSITORY / "bundles" / "default.tar.gz").read_bytes()


def test_build_of_nothing_is_a_usage_error(shell_at: At) -> None:
    result = shell_at("empty")("bundle", "build", "-o", "x.tar.gz", "--format", "json")
    assert (result.code, result.json["problems"][0]["code"]) == (2, "cli.usage")


PACK_TEST = """\
package bspec.rules.global.pay.no_shell_test

import data.bspec.rules.global.pay.no_shell as rule
import data.bspec.testing

test_success if rule.deny == set() with input as testing.allowed
"""


def test_a_pack_is_built_on_its_base(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    base = shell.ok("bundle", "inspect", "--format", "json").json
    write(
        Path("policies"),
        {
            PACK_RULE: metadata("PAY-01", "payments") + NO_ADMIN.replace("tools.no_admin", "pay.no_shell"),
            PACK_RULE.replace(".rego", "_test.rego"): PACK_TEST,
        },
    )
    unpinned = shell("bundle", "build", "-o", "acme.tar.gz", "--owner", "team:pay")
    assert (unpinned.code, base["revision"] in unpinned.err) == (3, True)
    Path("bspec-opa.toml").write_text(f'[policy]\nbase_revision = "{base["revision"]}"\nowner = "team:pay"\n')
    built = shell.ok("bundle", "build", "-o", "acme.tar.gz")
    assert "  owners    63 of bspec-opa, 1 of team:pay" in built.lines
    document = shell.ok("bundle", "build", "policies", "-o", "acme.tar.gz", "--format", "json").json
    assert document["owners"][1] == {"owner": "team:pay", "rules": ["global.pay.no_shell"]}
    inspected = shell.ok("bundle", "inspect", "acme.tar.gz", "--format", "json").json
    assert inspected["base"] == document["base"] == [{k: base[k] for k in ("revision", "digest")}]
    assert {r["id"] for r in inspected["rules"] if r["owner"] != "bspec-opa"} == {"global.pay.no_shell"}
    other = shell("bundle", "build", "policies", "-o", "x.tar.gz", "--base", "elevated")
    assert (other.code, "pinned to" in other.err, Path("x.tar.gz").exists()) == (7, True, False)


def test_what_is_no_bundle(shell_at: At) -> None:
    shell = shell_at("empty")
    Path("x.tar.gz").write_bytes(b"no tar")
    assert shell("bundle", "inspect", "x.tar.gz").code in {3, 7}
