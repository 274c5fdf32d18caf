"""Rules that are not finished: without a test, or with TODO in what people are shown. A build refuses them.

Where the author builds them all the same, the output names each: nobody is silent about it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import UNFINISHED
from bspec_opa.foundation.errors import Location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.errors import Problem

_WORD = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
_PACKAGE = re.compile(r"\s*package\b")


def unfinished(bundle: Bundle, sources: Collection[str]) -> list[Problem]:
    """What is left to do of the author's own rules, in the order of the index.

    Args:
        bundle: what was built.
        sources: names of the author's own files, which a bundle does not hold all of: a rule may lack its test.
    """
    return [p for rule in bundle.index.rules if rule.path in sources for p in _problems(rule, bundle, sources)]


def _problems(rule: RuleEntry, bundle: Bundle, sources: Collection[str]) -> Iterator[Problem]:
    metadata, _ = _words(bundle.files[rule.path])
    for line, word in metadata:
        hint = "say it, so that who is denied knows what to do; or --allow-unfinished"
        yield UNFINISHED.problem(f"METADATA of {rule.id} says {word}", hint=hint, at=Location(rule.path, line))
    test = f"{rule.path.removesuffix('.rego')}_test.rego"
    if test not in sources:
        hint = f"write {test.rpartition('/')[2]}, and see it green: bspec-opa policy test; or --allow-unfinished"
        message = f"{rule.id} has no test beside it: nothing shows that it denies"
        yield UNFINISHED.problem(message, hint=hint, at=Location(rule.path))


def unfinished_notes(bundle: Bundle, sources: Collection[str]) -> list[str]:
    """One sentence for each thing that a build takes: notes of authors, and what a base was built with."""
    found = []
    for rule in bundle.index.rules:
        metadata, below = _words(bundle.files[rule.path])
        lines = [str(n) for n, _ in (below if rule.path in sources else [*metadata, *below])]
        if lines:
            where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"
            found.append(f"{rule.id} is not finished: its source says TODO in {where}")
    return found


def _words(source: bytes) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Lines, with the word, in METADATA, which stands above the package, and below it."""
    lines = source.decode("utf-8", "replace").split("\n")
    package = next((n for n, line in enumerate(lines, 1) if _PACKAGE.match(line)), 0)
    found = [(n, word[0]) for n, line in enumerate(lines, 1) if (word := _WORD.search(line))]
    return [f for f in found if f[0] < package], [f for f in found if f[0] >= package]
