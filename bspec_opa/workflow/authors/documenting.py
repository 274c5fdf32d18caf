"""``policy doc``: pages of a policies folder or a bundle, written or compared."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.authoring.doc.html import MARK as HTML_MARK
from bspec_opa.authoring.doc.html import html_pages
from bspec_opa.authoring.doc.markdown import MARK, markdown_pages
from bspec_opa.authoring.doc.model import HTML, MARKDOWN, Documented, Library, written_part
from bspec_opa.authoring.doc.reasons import STALE
from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import is_directory, is_regular, list_files, make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_BUNDLE_FILES, MAX_DOCUMENT_BYTES
from bspec_opa.workflow.authors.policies import POLICIES, find_policies
from bspec_opa.workflow.bundles.bundling import PROJECT_TOOLS
from bspec_opa.workflow.checkout.deciding import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.index import Index
    from bspec_opa.workflow.authors.policies import Authored
    from bspec_opa.workflow.checkout.config import Value

_ENDINGS = {MARKDOWN: ".md", HTML: ".html"}
_MARKS = {MARKDOWN: MARK, HTML: HTML_MARK}


@dataclass(frozen=True, slots=True)
class Pages:
    """What came of it.

    Attributes:
        folder: where the pages are.
        rules: how many rules they describe.
        written: the pages that were written, by name.
        kept: the pages that were right already.
        removed: the pages of rules that are gone.
    """

    folder: Path
    rules: int
    written: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def load_library(
    source: str | None, environ: Mapping[str, str], given: Mapping[str, Value | None], notes: Path
) -> Library:
    """The rules of a policies folder, or of a bundle by path or name; of the project's policies if None.

    Raises:
        BspecError: neither can be read; no OPA of the exact version for a folder.
    """
    if source is None or is_directory(Path(source)):
        return _from_folder(find_policies(Path(source) if source else None, environ, given), environ, notes)
    bundle = read_policy(source).bundle
    files = {n: d for n, d in bundle.files.items() if n.endswith(".rego")}
    return Library(bundle.name, _documented(bundle.index, files, notes))


def _from_folder(authored: Authored, environ: Mapping[str, str], notes: Path) -> Library:
    from bspec_opa.bundle.build.building import located_under
    from bspec_opa.bundle.build.composition import compose
    from bspec_opa.bundle.build.index_build import build_index
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.sources import write_tree
    from bspec_opa.bundle.rego.syntax import parse_modules
    from bspec_opa.engine.toolchain import find_opa

    opa = Opa(find_opa(environ, PROJECT_TOOLS.absolute()))
    with located_under(authored.path) as borrowed, tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        sources = compose(authored.path, authored.foundation)
        borrowed.update(sources.borrowed)
        write_tree(Path(folder), sources.rego)
        index = build_index(parse_modules(Path(folder), sources.rego, opa), sources)
    folder_of = authored.path.resolve()
    name = folder_of.parent.name if folder_of.name == POLICIES else folder_of.name
    return Library(name, _documented(index, sources.rego, notes))


def _documented(index: Index, files: Mapping[str, bytes], notes: Path) -> tuple[Documented, ...]:
    found = []
    for rule in index.rules:
        tests = files.get(f"{rule.path.removesuffix('.rego')}_test.rego", b"")
        page = notes / f"{rule.id}{_ENDINGS[MARKDOWN]}"
        text = read_bounded(page, MAX_DOCUMENT_BYTES).decode("utf-8", "replace") if is_regular(page) else ""
        found.append(Documented(rule, _text(files[rule.path]), _text(tests), written_part(text)))
    return tuple(found)


def _text(source: bytes) -> str:
    """Whoever makes a bundle may put anything into its files."""
    return source.decode("utf-8", "replace")


def write_pages(library: Library, folder: Path, form: str, *, check: bool) -> Pages:
    """Write what is not there as it should be; or only say which pages are stale.

    Raises:
        InvalidInputError: with ``check``: each page that is missing, out of date, or of a rule that is gone.
        StoreError: a page can't be written.
    """
    pages = dict(markdown_pages(library) if form == MARKDOWN else html_pages(library))
    stale = [n for n, text in pages.items() if _read(folder / n) != text]
    gone = [p.name for p in _generated(folder, form) if p.name not in pages]
    if check:
        problems = [
            STALE.problem("is out of date or missing", hint=STALE.remedy, at=Location(str(folder / n))) for n in stale
        ]
        problems += [
            STALE.problem("is of a rule that is gone", hint="remove it", at=Location(str(folder / n))) for n in gone
        ]
        if problems:
            raise error_of(problems)
    make_directory(folder)
    for name in stale:
        write_atomic(folder / name, pages[name].encode())
    for name in gone:
        (folder / name).unlink()
    kept = tuple(n for n in pages if n not in stale)
    return Pages(folder, len(library.rules), tuple(stale), kept, tuple(gone))


def _generated(folder: Path, form: str) -> list[Path]:
    """The pages of a folder that are ours, by what they begin with."""
    if not is_directory(folder):
        return []
    found = list_files(folder, _ENDINGS[form], MAX_BUNDLE_FILES)
    return [p for p in found if is_regular(p) and _MARKS[form] in (_read(p) or "")[:200]]


def _read(page: Path) -> str | None:
    return read_bounded(page, MAX_DOCUMENT_BYTES).decode("utf-8", "replace") if is_regular(page) else None
