"""Pages in Markdown. What METADATA says is shown as it is and never obeyed: no HTML, no link, no table of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bspec_opa.authoring.doc.model import UNWRITTEN, kinds, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.authoring.doc.model import Documented, Library
    from bspec_opa.bundle.index import RuleEntry

MARK = '<!-- Above "Why" generated'
"""What a generated page begins with; files without it are nobody's business."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
# What opens a heading, list, quotation, fence, rule or the target of a link where a paragraph begins.
_OPENS = re.compile(r"(?=#|[-+*](?: |$)|>|`{3}|~{3}|(?:[-_*] ?){3,}$|\[)")
_NUMBERED = re.compile(r"\A([0-9]{1,9})(?=[.)](?: |$))")
_TABLE_HEAD = (
    "| id | code | severity | kind | waivable | what it demands, and what to do | controls |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)


def text_of(value: str) -> str:
    """Text of METADATA on one line: HTML, links, images and blocks in it are shown, not obeyed (attack A73)."""
    text = _TAG.sub("&lt;", one_line(value)).replace("](", "]\\(").replace("][", "]\\[")
    return f"\\{text}" if _OPENS.match(text) else _NUMBERED.sub(r"\1\\", text)


def cell(value: str) -> str:
    """The same in a table."""
    return text_of(value).replace("|", "\\|")


def code(text: str, language: str) -> str:
    """A block of code, whatever it contains."""
    longest = max((len(m) for m in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def rules_table(rules: Iterable[RuleEntry], folder: str = "") -> str:
    """Every rule in a row, with a link to its page."""
    return _TABLE_HEAD + "".join(_row(r, folder) for r in rules)


def _row(rule: RuleEntry, folder: str) -> str:
    short = f"{'D' if rule.has_deny else ''}{'W' if rule.has_warn else ''}"
    demand = f"{cell(rule.description)} {cell(rule.remediation)}"
    waivable = "yes" if rule.waivable else "no"
    cells = (f"[`{rule.id}`]({folder}{rule.id}.md)", cell(rule.code), rule.severity, short, waivable)
    return f"| {' | '.join((*cells, demand, cell(', '.join(rule.controls))))} |\n"


def rule_head(rule: RuleEntry, source: str, overview: str, *, owner: bool = False) -> str:
    """The generated part of a rule's page.

    Args:
        rule: its METADATA.
        source: what made the page, for its first line.
        overview: the page with all rules, from here.
        owner: whether it says whose rule it is.
    """
    waivable = "can be waived" if rule.waivable else "can't be waived"
    owned = f" · owned by {text_of(rule.owner)}" if owner else ""
    return (
        f"{MARK} by {source} from METADATA. -->\n\n# {text_of(rule.title)}\n\n"
        f"`{rule.id}` · {text_of(rule.code)} · {rule.severity} · {kinds(rule)} · {waivable}{owned} · "
        f"[all rules]({overview})\n\n{text_of(rule.description)}\n\n"
        f"To do: {text_of(rule.remediation)}\n\nControls: {text_of(', '.join(rule.controls))}\n\n"
    )


def markdown_pages(library: Library) -> Iterator[tuple[str, str]]:
    """Name and text of every page: the index first."""
    owners = sorted({d.rule.owner for d in library.rules})
    head = (
        f"{MARK} by bspec-opa policy doc. -->\n\n# Policies of {text_of(library.name)}\n\n"
        f"{len(library.rules)} rules, owned by {', '.join(map(text_of, owners))}. D denies, W warns.\n\n"
    )
    yield "index.md", head + rules_table(d.rule for d in library.rules)
    for documented in library.rules:
        yield f"{documented.rule.id}.md", _page(documented)


def _page(documented: Documented) -> str:
    rule = documented.rule
    head = rule_head(rule, "bspec-opa policy doc", "index.md", owner=True)
    more = f"In force from {moment(rule)}.\n\n" if rule.effective_unix else ""
    source = f"## Source\n`{rule.path}`\n\n{code(documented.source, 'rego')}\n"
    tests = f"## Tests\n{code(documented.tests, 'rego')}\n" if documented.tests else ""
    return head + more + source + tests + (documented.written or UNWRITTEN)


def moment(rule: RuleEntry) -> str:
    """When a rule's denials come into force."""
    return datetime.fromtimestamp(rule.effective_unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
