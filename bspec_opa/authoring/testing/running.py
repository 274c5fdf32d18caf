"""Runs an author's tests with the real OPA, and takes nothing for proof that isn't.

OPA's own runner passes a test with an empty table, a negated call of a builtin that fails, and a rule that is quiet
because a fixture has another shape than any input. So every check of a build comes first; every rule of the author
must have a test that ran; where tests replace a library or a rule, the others must prove both outcomes; and all tests
are evaluated once more, with strict builtin errors and with rules that report an input of another shape.
"""

from __future__ import annotations

import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bspec_opa.authoring.packages import package_of_tests
from bspec_opa.authoring.reasons import NO_CASES, NO_TESTS, RUN_PATTERN
from bspec_opa.authoring.stand_ins import stand_ins
from bspec_opa.authoring.testing.coverage import file_coverage
from bspec_opa.authoring.testing.model import FAILED, PASSED, Outcome, Run
from bspec_opa.authoring.testing.once_more import once_more
from bspec_opa.authoring.testing.results import placed, read_results
from bspec_opa.authoring.testing.stand_in import stand_in_problems
from bspec_opa.bundle.build.building import check_sources, located_under
from bspec_opa.bundle.build.composition import Foundation, compose
from bspec_opa.bundle.build.organisation import load_composed
from bspec_opa.bundle.layout import ORGANISATION_DATA
from bspec_opa.bundle.rego.sources import is_test
from bspec_opa.bundle.rego.syntax import parse_modules, rule_name
from bspec_opa.bundle.rego.type_check import ALL, SCHEMA_FOLDER
from bspec_opa.foundation.errors import BspecError, Location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from bspec_opa.authoring.stand_ins import Name, StandIn
    from bspec_opa.bundle.index import Index
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.sources import Sources
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.errors import Problem

TEST_TIMEOUT = "60s"
GENERATED_TEST = "bspec/gate/gate_test.rego"
MAX_TRACED = 50
"""So many failing tests get a difference; who has more failing ones mends these first."""
_FAILING = 2
_BAD_PATTERN = "error parsing regexp"
_COMMON = ("--schema", SCHEMA_FOLDER, "--timeout", TEST_TIMEOUT, "--format", "json")


@dataclass(frozen=True, slots=True)
class Demand:
    """What a run must prove.

    Attributes:
        minimum: the share of the author's lines that tests must reach, percent.
        pattern: run only these tests, a regular expression as OPA takes it; empty for all.
    """

    minimum: int = 100
    pattern: str = ""


def run_tests(policies: Path, foundation: Foundation, opa: Opa, demand: Demand) -> Run:
    """Check, compose and test.

    Raises:
        InvalidInputError: the policies, the tests or the data are refused, as by a build.
        TrustError: the base is another one.
        UsageError: the pattern is none.
        EngineError: OPA can't be used, or says something that can't be understood.
    """
    opa.require_version()
    with located_under(policies) as borrowed, tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        sources = compose(policies, foundation)
        borrowed.update(sources.borrowed)
        index = check_sources(sources, Path(folder), opa)
        if ORGANISATION_DATA in sources.files:
            load_composed(sources, index)
        run = _Runner(Path(folder), sources, index, opa, demand)()
    return placed(run, policies)


class _Runner:
    """One run in a prepared folder."""

    def __init__(self, work: Path, sources: Sources, index: Index, opa: Opa, demand: Demand) -> None:
        self._work, self._opa, self._demand = work, opa, demand
        self._sources = {n: d for n, d in sources.own.items() if n.endswith(".rego")}
        self._own = {f"{ALL}/{n}": d for n, d in self._sources.items()}
        self._rules = [r for r in index.rules if r.path in sources.own]
        # The generated gate's own tests are none of the author's.
        (work / ALL / GENERATED_TEST).unlink(missing_ok=True)

    def __call__(self) -> Run:
        results = self._test()
        unproven = list(self._unproven(results))
        failing = [t for t in results if t.status != PASSED]
        measured = not (failing or unproven or self._demand.pattern)
        if measured:
            unproven += stand_in_problems(self._work, self._sources, self._rules, self._instead, self._opa)
            measured = not unproven
        with ThreadPoolExecutor(2) as pool:
            again = pool.submit(once_more, self._work, self._opa, self._rules, results)
            coverage = file_coverage(self._measure(results), self._packed()) if measured else ()
            results = self._traced(results) if failing else results
            problems = (*unproven, *again.result())
        rules, pattern = tuple(r.id for r in self._rules), self._demand.pattern
        return Run(results, problems, () if problems else coverage, self._demand.minimum, rules, pattern)

    def _test(self) -> tuple[Outcome, ...]:
        try:
            text = self._run(self._demand.pattern)
        except BspecError as e:
            if _BAD_PATTERN in str(e):
                raise RUN_PATTERN.error(str(e.problems[0].message)[:200], hint="correct --run") from e
            raise
        return read_results(text, self._own, self._tables)

    def _run(self, pattern: str, *more: str) -> str:
        chosen = ("--run", pattern) if pattern else ()
        return self._opa.run(["test", ALL, *_COMMON, *chosen, *more], cwd=self._work, accepted=(0, _FAILING))

    def _traced(self, results: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        """The failing tests once more, with the values of their variables; of all tests that would be too much."""
        failing = [f"{t.package}.{t.name}" for t in results if t.status == FAILED][:MAX_TRACED]
        if not failing:
            return results
        traced = read_results(self._run(_exactly(failing), "--var-values"), self._own, self._tables, traced=True)
        found = {(t.package, t.name, t.at): t for t in traced}
        return tuple(found.get((t.package, t.name, t.at), t) for t in results)

    @cached_property
    def _tables(self) -> frozenset[tuple[str, str]]:
        """The tests that have cases: OPA says nothing about one whose table is empty."""
        return frozenset(
            (m.name, rule_name(r)) for m in self._tests for r in m.rules if len(r["head"].get("ref", [])) > 1
        )

    @cached_property
    def _tests(self) -> tuple[Module, ...]:
        """The author's tests and fixtures."""
        return parse_modules(self._work, [n for n in self._own if is_test(n.removeprefix(f"{ALL}/"))], self._opa)

    @cached_property
    def _instead(self) -> dict[Name, StandIn]:
        """The names of tests and fixtures that replace what a bundle holds."""
        return stand_ins(self._tests)

    def _unproven(self, results: Sequence[Outcome]) -> Iterator[Problem]:
        """Rules without a test that ran, tests without cases, or no test at all."""
        if not results:
            pattern = self._demand.pattern
            about = f"no test matches {pattern[:80]!r}" if pattern else "no test ran at all"
            yield NO_TESTS.problem(about, hint="tests are named test_...")
            return
        for result in results:
            if result.status == PASSED and not result.cases:
                yield NO_CASES.problem(f"{result.name} ran no case", hint="its table is empty", at=result.at)
        if not self._demand.pattern:
            yield from self._untested({t.package for t in results})

    def _untested(self, ran: Collection[str]) -> Iterator[Problem]:
        for rule in self._rules:
            file = f"{rule.path.removesuffix('.rego')}_test.rego"
            if package_of_tests(file) not in ran:
                hint = f"write test_fail_... and test_success_... into {file.rpartition('/')[2]} beside it"
                yield NO_TESTS.problem(f"no test of {rule.id} ran", hint=hint, at=Location(f"{ALL}/{rule.path}"))

    def _packed(self) -> dict[str, bytes]:
        return {n: d for n, d in self._own.items() if not is_test(n.removeprefix(f"{ALL}/"))}

    def _measure(self, results: Sequence[Outcome]) -> Mapping[str, Any]:
        """What tests reach; one that replaces what a bundle holds reaches what no decision would."""
        left_out = {".".join((*package, name)) for package, name in self._instead}
        names = [name for t in results if (name := f"{t.package}.{t.name}") not in left_out]
        pattern = _exactly(names) if len(names) < len(results) else ""
        found: Mapping[str, Any] = json.loads(self._run(pattern, "--coverage"))
        return found


def _exactly(names: Iterable[str]) -> str:
    """The pattern that matches these tests alone."""
    return "|".join(f"^{re.escape(name)}$" for name in names)
