from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_a_pack_from_the_project_to_the_auditor(shell_at: At) -> None:
    shell = shell_at("live")
    packed = shell.ok("audit", "evidence-pack", "../pack")
    assert packed.lines[0].startswith("PACKED  ../pack   (")
    found = shell.ok("verify", "--pack", "../pack", "--format", "json").json
    assert [(line["entry"], line["environment"]) for line in found["agents"][0]["lines"]] == [
        (6, "staging"),
        (12, "production"),
    ]
    assert found["verified"]
    pin = shell.variables.pop("BSPEC_OPA_TRUST_PIN")
    refused = shell("verify", "--pack", "../pack")
    assert (refused.code, refused.out) == (7, "")
    assert "self-consistent, not authenticated: a ledger of 13 entries until " in refused.err
    assert shell("verify", "--pack", "../pack", "--trust-pin", pin, "-q").code == 0
    pinned = ("--trust-pin", pin, "--format", "json")
    for asked in (("audit", "--at", "12"), ("audit", "--at", "7"), ("history", "billing-support")):
        unpinned = shell(*asked, "--pack", "../pack")
        assert (unpinned.code, unpinned.out) == (7, "")
        of_pack, of_project = shell.ok(*asked, "--pack", "../pack", *pinned).json, shell.ok(*asked, *pinned).json
        assert {**of_pack, "notes": []} == {**of_project, "notes": []}
    (Path("../pack") / "index.md").write_text("# All is well", encoding="utf-8")
    (Path("../pack") / "bspec-opa.toml").write_text("[output]\nformat = 'json'\n", encoding="utf-8")
    tampered = shell("verify", "--pack", "../pack", "--trust-pin", pin)
    assert (tampered.code, tampered.out) == (7, "")
    assert shell("audit", "--at", "12", "--pack", "../pack", "--trust-pin", pin).err == tampered.err
    assert [line.partition(": ")[0] for line in tampered.err.splitlines()[:-1]] == [
        "../pack/bspec-opa.toml",
        "../pack/index.md",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "behavior.lock", "--pack", "x"),
        ("verify", "--pack", "x", "--deployed", "y"),
        ("verify", "--pack", ""),
        ("verify", "--pack", "x", "--env", "production"),
        ("verify", "--env", "production"),
        ("verify", "--deployed", "x", "--env", ""),
        ("audit", "--agent", "billing-support"),
        ("audit", "--at", "3", "evidence-pack", "x"),
        ("audit", "--trust-pin", "sha256:" + "0" * 64, "evidence-pack", "x"),
        ("audit", "--ledger-path", ".", "evidence-pack", "x"),
        ("verify", "--pack", "x", "--ledger-path", "."),
        ("audit", "--at", "3", "--pack", ".", "--project", ".."),
        ("audit", "--at", "3", "--pack", ".", "--ledger-path", "."),
        ("history", "a", "--pack", ".", "--ledger-path", "."),
        ("history", "a", "--pack", "missing"),
        ("audit", "evidence"),
        ("history",),
    ],
)
def test_what_makes_no_sense_together(shell_at: At, arguments: tuple[str, ...]) -> None:
    result = shell_at("bare")(*arguments)
    assert (result.code, result.out) == (2, "")


def test_a_forged_line_exits_7_and_the_answer_is_printed(shell_at: At) -> None:
    shell = shell_at("live")
    digest = shell.ok("show", "--format", "json").json["lines"][1]["predicate"]["input_digest"]
    Path(".bspec/objects/sha256", digest.removeprefix("sha256:")).unlink()
    result = shell("audit", "--at", "12")
    assert result.code == 7
    assert "NOT PROVEN  billing-support → production" in result.lines
    assert "AUTHORISED  billing-support 1.0.0 → staging" in result.lines
    assert shell("audit", "--at", "12", "--format", "json").json["exit_code"] == 7


def test_audit_alone_prints_its_help(shell_at: At) -> None:
    result = shell_at("empty")("audit")
    assert result.code == 0
