"""What ``policy doc`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import integer
from bspec_opa.report.counting import count
from bspec_opa.report.printable import printable
from bspec_opa.report.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.style import Style
    from bspec_opa.workflow.authors.documenting import Pages

POLICY_DOC: dict[str, JsonObject] = {
    "folder": LINE,
    "rules": integer(1),
    "written": LINES,
    "kept": LINES,
    "removed": LINES,
}


def doc_text(pages: Pages, style: Style) -> str:
    """A line, and the names of pages that changed."""
    lines = [f"wrote    {n}" for n in pages.written] + [f"removed  {n}" for n in pages.removed]
    rules, same = count(pages.rules, "rule"), count(len(pages.kept), "page")
    word = style.mark("DOCUMENTED", "bold", "green")
    head = f"{word}  {rules} in {printable(str(pages.folder))}, {same} as before"
    return "".join(f"{line}\n" for line in [head, *(f"  {printable(line)}" for line in lines)])


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
