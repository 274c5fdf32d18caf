"""Pages of rules: what METADATA says is shown and never obeyed, and what people wrote is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bspec_opa.authoring.doc.html import html_pages
from bspec_opa.authoring.doc.markdown import code, markdown_pages, text_of
from bspec_opa.authoring.doc.model import UNWRITTEN, Documented, Library, written_part
from bspec_opa.bundle.index import RuleEntry
from bspec_opa.bundle.read import read_bundle

ROOT = Path(__file__).parents[3]
RULE = read_bundle((ROOT / "bundles" / "default.tar.gz").read_bytes(), "default").index.rules[0]
HOSTILE = '</title><script>alert(1)</script> "x" ![a](javascript:alert(1)) | b\n## Why\n<img src=x onerror=y>'


def hostile() -> RuleEntry:
    texts = dict.fromkeys(("title", "description", "remediation", "owner", "code"), HOSTILE)
    members = {n: getattr(RULE, n) for n in RULE.__dataclass_fields__} | texts | {"controls": (HOSTILE,)}
    return RuleEntry(**members)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(n for n, _ in attrs if n.startswith("on"))}
        self.links |= {v or "" for n, v in attrs if n in {"href", "src"}}


@pytest.mark.attack("A73")
def test_hostile_words_in_html_are_shown_and_run_nothing() -> None:
    written = "## Why\n<script>alert(2)</script> [go](javascript:alert(3)) ![i](http://elsewhere/i.png)\n\n## Avoid\n"
    documented = Documented(hostile(), f"# {HOSTILE}\npackage x\n", f"# {HOSTILE}\n", written)
    pages = dict(html_pages(Library(HOSTILE, (documented,))))
    assert set(pages) == {"index.html", f"{RULE.id}.html"}
    for text in pages.values():
        elements = Elements()
        elements.feed(text)
        assert elements.found & {"script", "img", "iframe", "link", "object", "onerror"} == set()
        # An image becomes a link, which loads nothing by itself.
        assert elements.links <= {"index.html", f"{RULE.id}.html", "http://elsewhere/i.png"}
        assert "default-src 'none'; style-src 'unsafe-inline'" in text
        assert "&lt;script&gt;alert(1)" in text
        assert re.search(r"https?://", re.sub(r"&lt;.*", "", text).replace("http://elsewhere", "")) is None


def test_pages_fit_narrow_screens() -> None:
    """Ids and paths may be broken behind their parts, and a cell says which column it is of where there are none."""
    pages = dict(html_pages(Library("x", (Documented(RULE, "package x\n", "", ""),))))
    broken = RULE.id.replace(".", ".<wbr>").replace("_", "_<wbr>")
    assert all(f"<code>{broken}</code>" in text for text in pages.values())
    assert RULE.path.replace("/", "/<wbr>").replace(".", ".<wbr>").replace("_", "_<wbr>") in pages[f"{RULE.id}.html"]
    names = re.findall(r'<td data-name="([^"]+)">', pages["index.html"])
    assert names == re.findall("<th>([^<]+)</th>", pages["index.html"])
    assert "@media (max-width: 50rem)" in pages["index.html"]


@pytest.mark.attack("A73")
def test_hostile_words_in_markdown_are_text() -> None:
    documented = Documented(hostile(), f"# {HOSTILE}\n# ````\n", "", "")
    pages = dict(markdown_pages(Library("x", (documented,))))
    index, page = pages["index.md"], pages[f"{RULE.id}.md"]
    outside = page.partition("`````rego\n")[0]
    for text in (index, outside):
        assert "<script" not in text
        assert "<img" not in text
        assert "](javascript" not in text
        assert "\n## Why" not in text
    (row,) = [line for line in index.splitlines() if line.startswith("| [")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert page.endswith(UNWRITTEN)
    assert written_part(page) == UNWRITTEN


@pytest.mark.attack("A73")
@pytest.mark.parametrize(
    "words",
    [
        "# Approved",
        "~~~",
        "```",
        "> said",
        "- one",
        "* one",
        "---",
        "* * *",
        "1. one",
        "2)",
        "[here]: https://example.com",
    ],
)
def test_a_description_opens_no_block(words: str) -> None:
    """A fence would hide the rest of the page, and the target of a link makes a link of any brackets."""
    from markdown_it import MarkdownIt

    hostile_rule = replace(RULE, description=words, remediation="look [here]")
    page = dict(markdown_pages(Library("x", (Documented(hostile_rule, "package x\n", "", ""),))))[f"{RULE.id}.md"]
    tokens = MarkdownIt("commonmark").parse(page.partition("## Source")[0])
    blocks = [t.type for t in tokens if t.type != "inline" and t.nesting >= 0]
    assert blocks == ["html_block", "heading_open", *(4 * ["paragraph_open"])]
    links = {c.attrs["href"] for t in tokens for c in t.children or () if c.type == "link_open"}
    assert links == {"index.md"}


def test_ordinary_words_stay_as_they_are() -> None:
    assert text_of('a bound, such as ">=2.0,<3", and `code`\n  more') == 'a bound, such as ">=2.0,<3", and `code` more'
    assert code("a ``` b\n", "rego") == "````rego\na ``` b\n````\n"


def test_what_a_person_wrote_is_kept() -> None:
    written = "## Why\nBecause.\n\n```rego\n## Why\n```\n\n## Avoid\nx\n\n## Prefer\ny\n"
    documented = Documented(RULE, "package x\n\n## Why\n", "package x_test\n", written)
    pages = dict(markdown_pages(Library("x", (documented,))))
    page = pages[f"{RULE.id}.md"]
    assert written_part(page) == written
    assert (
        dict(
            markdown_pages(
                Library("x", (Documented(RULE, "package x\n\n## Why\n", "package x_test\n", written_part(page)),))
            )
        )
        == pages
    )
    assert "## Tests\n```rego\npackage x_test\n```\n" in page
    assert written_part("# nothing\n") == ""
