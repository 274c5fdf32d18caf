from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_what_is_bound_and_what_comes_next(shell_at: At) -> None:
    result = shell_at("ready").ok("resolve", "behavior.intent")
    assert result.lines[0].startswith("RESOLVED  sha256:")
    assert result.lines[2].startswith("  tool      billing_read_api  2.0.0 by acme")
    assert result.lines[2].endswith("  2 operations")
    assert result.lines[-1] == "next  bspec-opa submit behavior.intent"


def test_the_same_bytes_again_and_elsewhere(shell_at: At) -> None:
    shell = shell_at("bound")
    first = Path(".bspec/bindings/billing-support.json").read_bytes()
    document = shell.ok("resolve", "behavior.intent", "-o", "other.json", "--format", "json").json
    assert Path("other.json").read_bytes() == first
    assert document["file"] == "other.json"


def test_a_missing_catalog_is_named(shell_at: At) -> None:
    result = shell_at("bare")("resolve", "behavior.intent", "--format", "json")
    assert result.code == 3
    assert [p["code"] for p in result.json["problems"]] == ["promotion.no-catalog"]
