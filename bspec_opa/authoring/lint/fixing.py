"""``--fix``: mends what can be mended mechanically, and keeps a mend only if it brings up nothing else.

After each round everything is linted again. A file whose finding did not go away, or in which something new appears,
stays as it was. So what is left after one run would be left after two.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.mends import FORMAT, MENDS, mended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bspec_opa.authoring.lint.model import Finding, LintResult
    from bspec_opa.authoring.lint.reading import Files

ROUNDS = 5
"""How often mends may make room for more mends; three are needed at most: place, content, form."""
_AFTER_A_RUN = frozenset({"test/failing", "test/both-outcomes", "test/asserts-nothing", "test/unknown-fixture"})


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of it.

    Attributes:
        result: the lint of what the files are now.
        before: the bytes of each file that changed.
        after: the same now.
        gone: the findings that were mended.
    """

    result: LintResult
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    gone: tuple[Finding, ...]


def fix(
    files: Files, result: LintResult, relint: Callable[[Files], LintResult], form: Callable[[bytes], bytes]
) -> Mended:
    """Mend what can be mended.

    Args:
        files: what was linted.
        result: what was found.
        relint: lints other files.
        form: a file's text as ``opa fmt`` writes it; as it is if it can't be parsed.
    """
    current, found = files, result
    given_up: set[str] = set()
    for _ in range(ROUNDS):
        edited = _edited(current, found, given_up, form)
        if not edited:
            break
        while edited:
            tried = _with(current, edited)
            outcome = relint(tried)
            worse = _worse(found, outcome, edited)
            if not worse:
                current, found = tried, outcome
                break
            given_up |= worse
            edited = {n: d for n, d in edited.items() if n not in worse}
    return _mended(files, result, current, found)


def _edited(files: Files, result: LintResult, given_up: set[str], form: Callable[[bytes], bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name in sorted({f.file for f in result.findings if f.rule.id in MENDS or f.rule.id == FORMAT} - given_up):
        own = [f for f in result.findings if f.file == name]
        source = files.sources.files[name]
        new = form(mended(source.decode(), own).encode())
        if new != source:
            found[name] = new
    return found


def _with(files: Files, edited: Mapping[str, bytes]) -> Files:
    return replace(files, sources=replace(files.sources, files={**files.sources.files, **edited}))


def _worse(before: LintResult, after: LintResult, edited: Mapping[str, bytes]) -> set[str]:
    """The edited files that a mend made worse, or did not make better; all of them if it shows elsewhere."""
    ignored = _AFTER_A_RUN if before.notes and not after.notes else frozenset()
    old = Counter(_same(f) for f in before.findings)
    new = Counter(_same(f) for f in after.findings if f.rule.id not in ignored)
    appeared = {file for _, file, _ in new - old}
    gone = {file for _, file, _ in old - new}
    if appeared - edited.keys():
        return set(edited)
    return appeared | (edited.keys() - gone)


def _same(finding: Finding) -> tuple[str, str, str]:
    """What makes two findings the same, wherever lines have moved to."""
    return finding.rule.id, finding.file, finding.message


def _mended(files: Files, before: LintResult, now: Files, after: LintResult) -> Mended:
    old, new = files.sources.files, now.sources.files
    changed = [n for n in new if new[n] != old[n]]
    left = Counter(_same(f) for f in after.findings)
    gone = []
    for finding in before.findings:
        if left[_same(finding)]:
            left[_same(finding)] -= 1
        elif finding.file in changed:
            gone.append(finding)
    return Mended(after, {n: old[n] for n in changed}, {n: new[n] for n in changed}, tuple(gone))
