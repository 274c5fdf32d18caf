"""All tests that passed, evaluated once more without any of OPA's lenience.

Two things are different. Builtin errors are errors: ``opa test`` makes them undefined, and whatever is negated passes.
And every rule of the author has one more finding, over an input of another shape than ``bspec.input/v1``: in a decision
the generated guard refuses such an input before any rule is asked, but a test asks the rule alone, which finds nothing
in ``{"tools": 7}`` - and "nothing found" is what half of all tests expect. The same goes for an organisation's data,
which a build holds against its schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.packages import data_path
from bspec_opa.authoring.reasons import BUILTIN_FAILED, INPUT_SHAPE
from bspec_opa.authoring.testing.model import PASSED
from bspec_opa.bundle.build.guard_source import guard_source
from bspec_opa.bundle.contract.organisation import organisation_schema
from bspec_opa.bundle.reasons import OPA_FAILED
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.type_check import ALL, SCHEMA_FOLDER
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bspec_opa.authoring.testing.model import Outcome
    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem

WATCHERS = "watchers"
_SHAPE, _ORGANISATION = "bspec.gate.shape", "bspec.watched.organisation"
OTHER_SHAPE = "the input or the organisation's data of this test is none that a rule ever sees"
ORGANISATION_GUARD = "bspec/watched/organisation/organisation.rego"


def once_more(work: Path, opa: Opa, rules: Iterable[RuleEntry], results: Sequence[Outcome]) -> list[Problem]:
    """What makes tests that passed worth nothing.

    Args:
        work: holds the policies in ``all/``, and ``schemas/``.
        opa: the binary.
        rules: the author's.
        results: the author's tests.

    Raises:
        EngineError: OPA can't be used, or says something that can't be understood.
    """
    passed = [t for t in results if t.status == PASSED]
    if not passed:
        return []
    write_tree(work / WATCHERS, watchers(rules))
    # A test is undefined, true, or an object of its cases.
    query = "[" + ", ".join(f"[v | v := {t.package}.{t.name}]" for t in passed) + "]"
    data = ("--data", ALL, "--data", WATCHERS, "--schema", SCHEMA_FOLDER)
    try:
        text = opa.run(
            ["eval", *data, "--strict-builtin-errors", "--format", "json", "--stdin"], cwd=work, stdin=query.encode()
        )
    except BspecError as e:
        if e.exit_code == ExitCode.ENGINE:
            raise
        hint = "OPA makes it undefined, and whatever is negated passes"
        return [BUILTIN_FAILED.problem(p.message, hint=hint, at=p.location) for p in e.problems]
    hint = "start from testing.allowed and replace parts of it, and of data.bspec.org, as the schemas say"
    found = zip(passed, _values(text, len(passed)), strict=True)
    return [
        INPUT_SHAPE.problem(f"{t.name}: {OTHER_SHAPE}", hint=hint, at=t.at) for t, v in found if _held(v) != t.cases
    ]


def _values(text: str, wanted: int) -> list[Any]:
    try:
        values: list[Any] = json.loads(text)["result"][0]["expressions"][0]["value"]
    except (ValueError, KeyError, IndexError, TypeError) as e:
        raise OPA_FAILED.error("opa eval printed something else than values") from e
    if len(values) != wanted:
        raise OPA_FAILED.error(f"opa eval printed {len(values)} values of {wanted}")
    return values


def _held(value: Any) -> int:
    """How many cases of a test held; a test without cases is one."""
    if isinstance(value, dict):
        return sum(map(_held, value.values()))
    if isinstance(value, list):
        return sum(map(_held, value))
    return int(value is True)


def watchers(rules: Iterable[RuleEntry]) -> dict[str, bytes]:
    """A file for each rule that adds the finding about the shape, and the guard that it asks, by path."""
    schema = cast("JsonObject", _without_patterns(organisation_schema()))
    guard = guard_source(schema, optional=True).replace(f"package {_SHAPE}\n", f"package {_ORGANISATION}\n")
    return {ORGANISATION_GUARD: guard.encode(), **{r.path: _watcher(r).encode() for r in rules}}


def _without_patterns(value: JsonValue) -> JsonValue:
    """A schema without the form of texts: rules have no regular expressions, and the build checks what is packed."""
    if isinstance(value, dict):
        return {k: _without_patterns(v) for k, v in value.items() if not (k == "pattern" and isinstance(v, str))}
    return [_without_patterns(v) for v in value] if isinstance(value, list) else value


def _watcher(rule: RuleEntry) -> str:
    package = data_path(rule.path.rpartition("/")[0]).removeprefix("data.")
    sets = [name for name, has in (("deny", rule.has_deny), ("warn", rule.has_warn)) if has]
    item = json.dumps({"msg": OTHER_SHAPE, "path": ""})
    # An undefined argument makes a negated call undefined, too; so no input at all is a case of its own.
    conditions = (
        f"not data.{_SHAPE}.is_input(input)",
        "not input",
        f"not data.{_ORGANISATION}.is_input(data.bspec.org)",
    )
    bodies = [f"{name} contains {item} if {condition}\n" for name in sets for condition in conditions]
    return f"package {package}\n\n" + "\n".join(bodies)
