"""What the documentation of policies is made from: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.bundle.index import RuleEntry

MARKDOWN, HTML = "markdown", "html"
FORMATS = (MARKDOWN, HTML)
WRITTEN = "## Why\n"
"""Where the part of a page begins that a person writes."""
_FENCE = 3
UNWRITTEN = f"{WRITTEN}\n## Avoid\n\n## Prefer\n"


@dataclass(frozen=True, slots=True)
class Documented:
    """One rule.

    Attributes:
        rule: its METADATA and more, from the index.
        source: its Rego.
        tests: the Rego of its tests; empty if they are not there, as in a bundle.
        written: the part of its page that a person wrote, from ``## Why`` on; empty if nobody did.
    """

    rule: RuleEntry
    source: str
    tests: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """All rules of a bundle or a policies folder.

    Attributes:
        name: what it is called.
        rules: every rule, sorted by id.
    """

    name: str
    rules: tuple[Documented, ...]


def written_part(page: str) -> str:
    """The part of a page that a person wrote; empty if nobody did. What a block of code says is no part of the page."""
    fence = ""
    at = 0
    for line in page.splitlines(keepends=True):
        if not fence and line == WRITTEN:
            return page[at:]
        marks = line[: len(line) - len(line.lstrip("`"))]
        if not fence and len(marks) >= _FENCE:
            fence = marks
        elif fence and line.rstrip() == fence:
            fence = ""
        at += len(line)
    return ""


def kinds(rule: RuleEntry) -> str:
    """What a rule does: ``denies``, ``warns`` or both; and what for, if it is not for everything."""
    does = " and ".join(k for k, has in (("denies", rule.has_deny), ("warns", rule.has_warn)) if has)
    one: dict[tuple[str, ...], str] = {("promote",): ", of promotions only", ("rollback",): ", of rollbacks only"}
    return does + one.get(rule.actions, "")


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())
