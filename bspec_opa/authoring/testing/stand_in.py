"""Whether rules are proven by tests that replace nothing which a bundle holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.behaviour import BOTH, FINDINGS, NONE, tested
from bspec_opa.authoring.reasons import STAND_IN
from bspec_opa.authoring.stand_ins import INSTEAD
from bspec_opa.bundle.rego.syntax import parse_modules
from bspec_opa.bundle.rego.type_check import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bspec_opa.authoring.lint.behaviour import Tested
    from bspec_opa.authoring.stand_ins import Name, StandIn
    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.errors import Problem

_MISSING = {FINDINGS: "no other test expects findings", NONE: "no other test expects that nothing is found"}


def stand_in_problems(
    work: Path, own: Mapping[str, bytes], rules: Iterable[RuleEntry], instead: Mapping[Name, StandIn], opa: Opa
) -> list[Problem]:
    """For each rule with such a test, the outcomes that no other test proves; the tests all passed.

    What a test expects is told by running it on silent rules and on noisy ones, as ``policy lint`` does; that is done
    only where there is such a test.

    Args:
        work: holds the policies in ``all/``.
        own: the author's Rego files, by their path below the policies folder.
        rules: the author's rules.
        instead: the names that replace something, with their place.
        opa: the binary.
    """
    if not any(package[:3] == ("data", "bspec", "rules") for package, _ in instead):
        return []
    tests = tested(parse_modules(work / ALL, own, opa), own, work, opa)
    return [p for rule in rules for p in _problems(rule, [t for t in tests if t.rule == rule.id], instead)]


def _problems(rule: RuleEntry, tests: list[Tested], instead: Mapping[Name, StandIn]) -> Iterator[Problem]:
    replacing = [t for t in tests if t.stand_in]
    proven = {t.expects for t in tests if not t.stand_in}
    for outcome, missing in _MISSING.items():
        if replacing and not proven & {outcome, BOTH}:
            test = next((t for t in replacing if t.expects in {outcome, BOTH}), replacing[0])
            found = instead[(tuple(test.package.split(".")), test.name)]
            message = f"{test.name} puts something in place of {found.replaced}; {missing} of {rule.id}"
            yield STAND_IN.problem(message, hint=INSTEAD, at=found.at)
