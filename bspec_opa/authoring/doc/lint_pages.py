"""The pages of lint rules, and the table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.authoring.doc.markdown import MARK, cell
from bspec_opa.authoring.doc.model import UNWRITTEN, written_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.authoring.lint.model import LintRule

_FOUND_BY = {"build": "the checks of a build", "opa": "OPA", "rego": "a lint rule in Rego"}


def lint_page(rule: LintRule, page: str) -> str:
    """A lint rule's page: its head from the registry, and what a person wrote.

    Args:
        rule: from the registry.
        page: the page as it is now; empty if there is none.
    """
    fixable = "mended by `--fix`" if rule.fixable else "mended by hand"
    head = (
        f"{MARK} by docs/generate.py from the registry of lint rules. -->\n\n# {rule.title}\n\n"
        f"`{rule.id}` · {rule.severity} · found by {_FOUND_BY[rule.origin]} · {fixable} · "
        "[all lint rules](../lint.md)\n\n"
        f"Finds {rule.summary}.\n\n"
    )
    return head + (written_part(page) or UNWRITTEN)


def lint_table(rules: Iterable[LintRule]) -> str:
    """Every lint rule in a row."""
    rows = "".join(
        f"| [`{r.id}`]({r.page}) | {r.severity} | {r.origin} | {'yes' if r.fixable else ''} | {cell(r.summary)} |\n"
        for r in rules
    )
    return f"| rule | severity | found by | `--fix` | what it finds |\n| --- | --- | --- | --- | --- |\n{rows}"
