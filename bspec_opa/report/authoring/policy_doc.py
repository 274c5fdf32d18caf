"""What ``policy doc`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import integer
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.authors.documenting import Pages

POLICY_DOC: dict[str, JsonObject] = {
    "folder": LINE,
    "rules": integer(1),
    "written": LINES,
    "kept": LINES,
    "removed": LINES,
}


def doc_text(pages: Pages, style: Style, *, listed: bool) -> str:
    """How much was done and where; the names of the pages that changed on demand."""
    lines = [_changes(pages, listed=listed)]
    if listed:
        lines += [f"wrote    {n}" for n in pages.written] + [f"removed  {n}" for n in pages.removed]
    word = style.mark("DOCUMENTED", "bold", "green")
    head = f"{word}  {count(pages.rules, 'rule')} in {printable(str(pages.folder))}"
    return "".join(f"{line}\n" for line in [head, *(f"  {printable(line)}" for line in lines)])


def _changes(pages: Pages, *, listed: bool) -> str:
    changed = [(pages.written, "written"), (pages.removed, "removed"), (pages.kept, "as before")]
    parts = [f"{count(len(names), 'page')} {done}" for names, done in changed if names]
    names_hidden = not listed and bool(pages.written or pages.removed)
    return ", ".join(parts) + ("; --list names them" if names_hidden else "")


def doc_json(pages: Pages) -> JsonObject:
    """``bspec.policy-doc/v1``."""
    return {
        "schema": "bspec.policy-doc/v1",
        "exit_code": 0,
        "folder": str(pages.folder),
        "rules": pages.rules,
        "written": [*pages.written],
        "kept": [*pages.kept],
        "removed": [*pages.removed],
    }
