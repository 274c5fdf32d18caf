from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

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


def test_build_from_policies_is_what_is_shipped(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    shutil.copytree(REPOSITORY / "policies", "policies")
    shell.ok("bundle", "build", "policies", "-o", "default.tar.gz")
    assert Path("default.tar.gz").read_bytes() == (REPOSITORY / "bundles" / "default.tar.gz").read_bytes()


def test_build_of_nothing_is_a_usage_error(shell_at: At) -> None:
    result = shell_at("empty")("bundle", "build", "-o", "x.tar.gz", "--format", "json")
    assert (result.code, result.json["problems"][0]["code"]) == (2, "cli.usage")


def test_what_is_no_bundle(shell_at: At) -> None:
    shell = shell_at("empty")
    Path("x.tar.gz").write_bytes(b"no tar")
    assert shell("bundle", "inspect", "x.tar.gz").code in {3, 7}
