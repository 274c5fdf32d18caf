"""What lint rules in Rego report about a policies folder. A rule that fails is an error, never silence."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.lint.catalog import FINDING
from bspec_opa.authoring.lint.model import Finding
from bspec_opa.authoring.lint.reasons import RULE_FAILED
from bspec_opa.authoring.lint.rego_rules import LINT_CAPABILITIES, REPORT, RULES
from bspec_opa.bundle.rego.type_check import ALL
from bspec_opa.foundation.closed_schema import integer, obj, string, violations
from bspec_opa.foundation.errors import BspecError, ExitCode, error_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from bspec_opa.authoring.lint.reading import Reading
    from bspec_opa.authoring.lint.rego_rules import RegoRule
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

_ITEM = obj({"rule": string()}, msg=string(minimum=1), file=string(), row=integer(), col=integer(), hint=string())
_PACKAGE = "bspec_lint_answer"
_ANSWER = "lint-answer.rego"
_INSPECTED = "inspected"


def rego_findings(
    rules: Sequence[RegoRule], document: JsonObject, names: Collection[str], work: Path, opa: Opa
) -> Iterator[Finding]:
    """Every finding of every rule.

    Args:
        rules: the rules, checked; ``work`` holds them.
        document: what they see; see :mod:`bspec_opa.authoring.lint.input_schema`.
        names: the files that a finding may be about.
        work: a private folder.
        opa: the binary.

    Raises:
        InvalidInputError: a rule failed, or reported what is no finding.
    """
    answer = _ask(rules, document, work, opa)
    for rule in rules:
        for item in cast("list[Any]", answer[rule.rule.id]):
            wrong = [f"{v.pointer} {v.message}" for v in violations(_ITEM, item)]
            if not wrong and item["file"] not in names:
                wrong = [f"/file names no file of the policies: {item['file'][:200]!a}"]
            if not wrong and item.get("rule", rule.rule.id) != rule.rule.id:
                wrong = [f"/rule is not {rule.rule.id}"]
            if wrong:
                raise RULE_FAILED.error(f"{rule.rule.id} reported no finding: {wrong[0]}", hint=RULE_FAILED.remedy)
            yield Finding(rule.rule, item["msg"], item["hint"], item["file"], item["row"], item["col"], FINDING)


def _ask(rules: Sequence[RegoRule], document: JsonObject, work: Path, opa: Opa) -> dict[str, Any]:
    members = ", ".join(f"{json.dumps(r.rule.id)}: data.{'.'.join(r.package)}.{REPORT}" for r in rules)
    (work / _ANSWER).write_text(f"package {_PACKAGE}\n\nanswer := {{{members}}}\n", encoding="utf-8")
    options = ["--strict-builtin-errors", "--capabilities", LINT_CAPABILITIES, "-f", "json", "-I"]
    try:
        output = opa.run(
            ["eval", *options, "-d", RULES, "-d", _ANSWER, f"data.{_PACKAGE}.answer"],
            cwd=work,
            stdin=json.dumps(document).encode(),
        )
    except BspecError as e:
        if e.exit_code != ExitCode.INVALID:
            raise
        raise error_of(
            RULE_FAILED.problem(p.message, hint=RULE_FAILED.remedy, at=p.location) for p in e.problems
        ) from e
    results = json.loads(output).get("result")
    if not results:
        raise RULE_FAILED.error("a lint rule has no value, so nothing is known", hint=RULE_FAILED.remedy)
    return cast("dict[str, Any]", results[0]["expressions"][0]["value"])


def inspected(work: Path, opa: Opa) -> JsonObject:
    """What ``opa inspect -a`` says of the files that it takes: it refuses whatever does not compile without a schema.

    Raises:
        InvalidInputError: OPA refuses them and names no file that could be left out.
    """
    shown = work / _INSPECTED / ALL
    shutil.copytree(work / ALL, shown)
    try:
        while True:
            try:
                return cast("JsonObject", json.loads(opa.run(["inspect", "-a", "-f", "json", ALL], cwd=shown.parent)))
            except BspecError as e:
                if e.exit_code != ExitCode.INVALID or not _left_out(shown, e):
                    raise
    finally:
        shutil.rmtree(shown.parent)


def _left_out(shown: Path, refused: BspecError) -> bool:
    """Whether the files that OPA named were there to be removed; they are gone then."""
    named = {p.location.file for p in refused.problems if p.location}
    found = [f for f in (shown.parent / n for n in named) if f.is_relative_to(shown) and f.is_file()]
    for file in found:
        file.unlink()
    return bool(found)


def fixtures(reading: Reading, work: Path, opa: Opa) -> JsonValue:
    """The value of ``data.bspec.testing``; empty if there is none."""
    if not any(m.package[:2] == ("bspec", "testing") for m in reading.modules):
        return {}
    output = opa.run(["eval", "-f", "json", "-d", ALL, "data.bspec.testing"], cwd=work)
    results = json.loads(output).get("result")
    return cast("JsonValue", results[0]["expressions"][0]["value"]) if results else {}
