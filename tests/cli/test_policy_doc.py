from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lint_tree import RULE, clean_tree
from policy_tree import write

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PAGE = Path("pages/global.tools.extra.md")
IDS = {
    "global.tools.extra",
    "global.tools.no_admin",
    "global.tools.unbounded",
    "promotion.all.requested",
    "promotion.production.carried",
}


def test_pages_of_a_folder_are_written_kept_and_compared(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    tree = clean_tree()
    write(Path("policies"), tree)
    made = shell.ok("policy", "doc", "-o", "pages", "--json").json
    assert violations(SCHEMAS["bspec.policy-doc/v1"], made) == []
    assert {p.name for p in Path("pages").iterdir()} == set(made["written"]) == {"index.md", *(f"{i}.md" for i in IDS)}
    text = PAGE.read_text(encoding="utf-8")
    assert (
        "# The rule TOL-99\n\n`global.tools.extra` · TOL-99 · high · denies · can be waived · owned by bspec-opa"
        in text
    )
    assert "test_fail if {" in text
    PAGE.write_text(text.replace("## Why\n", "## Why\nBecause.\n"), encoding="utf-8")
    (Path("pages") / "notes.md").write_text("mine", encoding="utf-8")
    shell.ok("policy", "doc", "-o", "pages", "--check")
    tree[RULE] = tree[RULE].replace("severity: high", "severity: low")
    write(Path("policies"), tree)
    Path("policies/bspec/rules/promotion/all/requested/requested.rego").unlink()
    Path("policies/bspec/rules/promotion/all/requested/requested_test.rego").unlink()
    stale = shell("policy", "doc", "-o", "pages", "--check")
    assert stale.code == 3
    assert {line.partition(":")[0] for line in stale.err.splitlines() if "[doc.stale]" in line} == {
        "pages/index.md",
        str(PAGE),
        "pages/promotion.all.requested.md",
    }
    changed = shell.ok("policy", "doc", "-o", "pages").lines
    assert changed == [
        "DOCUMENTED  4 rules in pages",
        "  2 pages written, 1 page removed, 3 pages as before; --list names them",
    ]
    assert shell.ok("policy", "doc", "-o", "pages", "--list").lines[1:] == ["  5 pages as before"]


def test_every_page_is_named_on_demand(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    tree = clean_tree()
    write(Path("policies"), tree)
    first = shell.ok("policy", "doc", "-o", "pages").lines
    assert first == ["DOCUMENTED  5 rules in pages", "  6 pages written; --list names them"]
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace("## Why\n", "## Why\nBecause.\n"), encoding="utf-8")
    Path("pages/notes.md").write_text("mine", encoding="utf-8")
    tree[RULE] = tree[RULE].replace("severity: high", "severity: low")
    write(Path("policies"), tree)
    for end in ("", "_test"):
        Path(f"policies/bspec/rules/promotion/all/requested/requested{end}.rego").unlink()
    assert shell.ok("policy", "doc", "-o", "pages", "--list").lines == [
        "DOCUMENTED  4 rules in pages",
        "  2 pages written, 1 page removed, 3 pages as before",
        "  wrote    index.md",
        "  wrote    global.tools.extra.md",
        "  removed  promotion.all.requested.md",
    ]
    assert "· low ·" in PAGE.read_text(encoding="utf-8")
    assert "Because." in PAGE.read_text(encoding="utf-8")
    assert Path("pages/notes.md").read_text(encoding="utf-8") == "mine"


def test_pages_of_a_bundle_need_no_opa(shell_at: At) -> None:
    shell = shell_at("empty")
    shell.ok("policy", "doc", "default", "-o", "site", "--format", "html", "-q")
    inspected = shell.ok("bundle", "inspect", "--format", "json").json
    names = {"index.html", *(f"{r['id']}.html" for r in inspected["rules"])}
    assert {p.name for p in Path("site").iterdir()} == names
    index = Path("site/index.html").read_text(encoding="utf-8")
    assert index.startswith("<!doctype html>\n")
    assert all(f'href="{n}"' in index for n in names - {"index.html"})
    shell.ok("policy", "doc", "default", "-o", "site", "--format", "html", "--check", "-q")


def test_what_is_no_bundle_has_no_pages(shell_at: At) -> None:
    shell = shell_at("empty")
    assert shell("policy", "doc", "defualt", "-o", "site").code == 2
    assert not Path("site").exists()
