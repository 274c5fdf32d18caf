"""What tests prove: each rule's tests are run against a silent rule and against one that always finds something.

A test that passes with the rule as it is and fails with a silent one expects findings. One that still passes then, but
fails when something is always found, expects none. One that passes each time asserts nothing about the rule.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.stand_ins import stand_ins
from bspec_opa.bundle.layout import RULES
from bspec_opa.bundle.reasons import TEST_FORM, UNFINISHED
from bspec_opa.bundle.rego.lint.rules import SETS
from bspec_opa.bundle.rego.sources import is_rule, is_test
from bspec_opa.bundle.rego.syntax import rule_name
from bspec_opa.bundle.rego.type_check import ALL
from bspec_opa.foundation.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.authoring.lint.reading import Reading
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem

FINDINGS, NONE, BOTH, NOTHING, FAILING = "findings", "none", "both", "nothing", "failing"
"""What a test expects of its rule."""
# What json.unmarshal gives has no type, so that OPA's type checker has nothing against any comparison with it.
_ITEM = r'json.unmarshal("{\"msg\": \"policy lint\", \"path\": \"/policy/lint\"}")'
_SILENT = f"contains x if {{\n\tx := {_ITEM}\n\tfalse\n}}"
_FIRING = f"contains x if x := {_ITEM}"
_ASIDE = "policy_lint_aside_"


@dataclass(frozen=True, slots=True)
class Tested:
    """One test of a rule, with its cases.

    Attributes:
        package: its package, with ``data.``.
        name: its name.
        file: its file below the policies folder.
        line: where it is defined.
        rule: the rule's id, such as ``global.tools.no_admin``.
        expects: what it expects.
        stand_in: what it puts something in place of that a bundle holds, such as ``data.bspec.lib.words.bad``; or "".
    """

    package: str
    name: str
    file: str
    line: int
    rule: str
    expects: str
    stand_in: str = ""

    def to_json(self) -> JsonObject:
        """As rules in Rego see it."""
        names = ("package", "name", "file", "line", "rule", "expects", "stand_in")
        return {n: cast("JsonValue", getattr(self, n)) for n in names}


def tested(modules: Sequence[Module], sources: Mapping[str, bytes], work: Path, opa: Opa) -> list[Tested]:
    """Every test of a rule that OPA runs, and what it expects.

    Args:
        modules: the parsed files: the rules, their tests and the fixtures; they compile.
        sources: their bytes.
        work: holds them under ``all``.
        opa: the binary.
    """
    rules = [m for m in modules if is_rule(m.name)]
    variants = {"silent": _SILENT, "firing": _FIRING}
    for name, body in variants.items():
        shutil.copytree(work / ALL, work / name)
        for module in rules:
            (work / name / module.name).write_bytes(_replaced(module, sources[module.name], body))
    with ThreadPoolExecutor(2) as pool:
        plain, silent, firing = pool.map(lambda folder: _run(work, folder, opa), (ALL, *variants))
    instead = {(".".join(package), name): s.replaced for (package, name), s in stand_ins(modules).items()}
    return [
        replace(_tested(found, silent.get(key), firing.get(key)), stand_in=instead.get(key, ""))
        for key, found in sorted(plain.items())
    ]


def _replaced(module: Module, source: bytes, body: str) -> bytes:
    """A rule whose sets are put aside under other names, with others in their place; its helpers stay."""
    lines = source.decode().split("\n")
    names = set()
    for rule in module.rules:
        name, at = rule_name(rule), rule.get("location") or {}
        if name in SETS and at:
            names.add(name)
            row, column = at["row"] - 1, at["col"] - 1
            lines[row] = lines[row][:column] + _ASIDE + lines[row][column:]
    return "\n".join([*lines, *(f"{n} {body}" for n in sorted(names)), ""]).encode()


def _run(work: Path, folder: str, opa: Opa) -> dict[tuple[str, str], Any]:
    """Package and name of a test to what OPA says; of the tests of rules only."""
    options = ["--format", "json", "--timeout", "60s", "--run", r"^data\.bspec\.rules\."]
    # OPA's exit code 2 says that tests fail, which is what is looked for.
    found = json.loads(opa.run(["test", *options, folder], cwd=work, accepted=(0, 2)) or "null")
    return {(t["package"], t["name"]): t for t in found or [] if not t.get("skip")}


def _tested(plain: Any, silent: Any, firing: Any) -> Tested:
    file = str(plain["location"]["file"]).removeprefix(f"{ALL}/")
    rule = file.removeprefix(RULES).rpartition("/")[0].replace("/", ".")
    return Tested(
        plain["package"], plain["name"], file, int(plain["location"]["row"]), rule, _expects(plain, silent, firing)
    )


def _expects(plain: Any, silent: Any, firing: Any) -> str:
    """What a test, or all its cases together, expect. A case that a rule keeps from being reached has failed."""
    if _failed(plain):
        return FAILING
    expected = set()
    for case in plain.get("sub_results") or [None]:
        if _failed(silent, case):
            expected.add(FINDINGS)
        elif _failed(firing, case):
            expected.add(NONE)
    return BOTH if len(expected) > 1 else next(iter(expected), NOTHING)


def _failed(test: Any, case: str | None = None) -> bool:
    if test is None or case is None:
        return test is None or bool(test.get("fail") or test.get("error"))
    return bool((test.get("sub_results") or {}).get(case, {"fail": True}).get("fail"))


def failing_problems(tests: list[Tested]) -> Iterator[Problem]:
    """Tests that fail with the rule as it is: they prove nothing."""
    for test in tests:
        if test.expects == FAILING:
            hint = "bspec-opa policy test shows what it compares"
            at = Location(test.file, test.line, 1)
            yield TEST_FORM.problem(f"{test.name} fails", hint=hint, at=at, rule="test/failing")


def missing_problems(reading: Reading, tests: list[Tested]) -> Iterator[Problem]:
    """Whether there is any test of a rule at all: a run of none would be green."""
    rules = any(map(is_rule, reading.sources.own))
    if rules and not tests and not any(is_test(n) and n.startswith(RULES) for n in reading.sources.own):
        hint = "write <rule>_test.rego beside each rule"
        yield UNFINISHED.problem("there is no test of any rule", hint=hint, at=Location(""), rule="test/none")
