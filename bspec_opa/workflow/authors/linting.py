"""``policy lint``: reads the policies, lints them in private folders, and writes what was mended."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.fixing import Mended, fix
from bspec_opa.authoring.lint.linting import lint
from bspec_opa.authoring.lint.model import WARNING
from bspec_opa.authoring.lint.reading import read_files
from bspec_opa.authoring.lint.reasons import CHANGED, UNKNOWN_RULE
from bspec_opa.authoring.lint.rego_rules import load_rego_rules
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.foundation.errors import BspecError, ExitCode, Location
from bspec_opa.foundation.files import read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.workflow.bundles.bundling import PROJECT_TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.authoring.lint.model import LintResult
    from bspec_opa.authoring.lint.reading import Files
    from bspec_opa.workflow.authors.policies import Authored


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a lint.

    Attributes:
        rules: folders of a team's own lint rules.
        ignored: warnings that are left out.
        data: an organisation's data instead of the folder's own.
        fix: whether to mend.
        dry: whether mends are shown only.
    """

    rules: tuple[Path, ...] = ()
    ignored: tuple[str, ...] = ()
    data: Path | None = None
    fix: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Linted:
    """What came of it.

    Attributes:
        folder: the policies folder.
        result: what is wrong now.
        mended: what was mended, or would be; None if nobody asked for it.
        written: whether that was written.
    """

    folder: Path
    result: LintResult
    mended: Mended | None = None
    written: bool = False


def lint_policies(authored: Authored, order: Order, environ: Mapping[str, str], now: int) -> Linted:
    """Lint a policies folder, and mend it where that is asked for.

    Raises:
        UsageError: a rule that is to be left out is none, or no warning.
        InvalidInputError: the folder can't be read, or a lint rule is none or failed.
        TrustError: the base is not the one that the pack is pinned to.
        EngineError: no OPA of the exact version, or its checks are not live.
        StoreError: a file was changed meanwhile, or can't be written.
    """
    opa = Opa(find_opa(environ, PROJECT_TOOLS.absolute()))
    desk = _Desk(opa, order, now)
    files = read_files(authored.path, authored.foundation)
    result = desk.lint(files)
    if not order.fix:
        return Linted(authored.path, result)
    mended = fix(files, result, desk.lint, desk.form)
    if order.dry:  # what lies there is still what it was
        return Linted(authored.path, result, mended)
    write_mended(authored.path, mended)
    return Linted(authored.path, mended.result, mended, written=True)


class _Desk:
    """Lints files, each time in a private folder."""

    def __init__(self, opa: Opa, order: Order, now: int) -> None:
        self._opa, self._order, self._now = opa, order, now
        data = order.data
        self._data = (read_bounded(data, MAX_DOCUMENT_BYTES), str(data.absolute())) if data else None

    def lint(self, files: Files) -> LintResult:
        with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
            work = Path(folder)
            rules = load_rego_rules(self._order.rules, work, self._opa)
            self._require_known({r.rule.id: r.rule.severity for r in rules})
            return self._chosen(lint(files, rules, work, self._opa, now=self._now, data=self._data))

    def form(self, source: bytes) -> bytes:
        """As ``opa fmt`` writes it; what it can't read stays as it is."""
        try:
            return self._opa.run(["fmt"], stdin=source).encode()
        except BspecError as e:
            if e.exit_code != ExitCode.INVALID:
                raise
            return source

    def _require_known(self, own: Mapping[str, str]) -> None:
        known = {**{i: r.severity for i, r in SHIPPED.items()}, **own}
        for name in self._order.ignored:
            if name not in known:
                raise UNKNOWN_RULE.error(f'there is no lint rule "{name}"', hint=did_you_mean(name, known))
            if known[name] != WARNING:
                hint = "what a build refuses, or makes a test worthless, is mended, not left out"
                raise UNKNOWN_RULE.error(f"{name} is an error", hint=hint)

    def _chosen(self, result: LintResult) -> LintResult:
        left_out = set(self._order.ignored)
        return replace(
            result,
            findings=tuple(f for f in result.findings if f.rule.id not in left_out),
            applied=tuple(r for r in result.applied if r.id not in left_out),
        )


def write_mended(policies: Path, mended: Mended) -> None:
    """Every file whole, if none was changed meanwhile."""
    for name, data in mended.before.items():
        if read_bounded(policies / name, MAX_DOCUMENT_BYTES) != data:
            raise CHANGED.error("was changed meanwhile", hint=CHANGED.remedy, at=Location(str(policies / name)))
    for name, data in mended.after.items():
        write_atomic(policies / name, data)
