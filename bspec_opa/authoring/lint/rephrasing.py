"""OPA's messages in an author's words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.rego.opa_tool import TEMPLATE

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Problem

_WORDS = (
    (re.compile(r"undefined ref: (?P<path>\S+)"), "{path} is in no schema", "bspec-opa normalize prints the input"),
    (re.compile(r"undefined function (?P<name>sprintf)\b"), "there is no function {name} for policies", TEMPLATE),
    (
        re.compile(r"undefined function (?P<name>\S+)"),
        "there is no function {name} for policies",
        "misspelt, or not on the allow-list of builtins: let Python compute the fact",
    ),
    (re.compile(r"^import (?P<name>\S+) unused"), "the import {name} is used nowhere", "remove it"),
    (re.compile(r"var (?P<name>\S+) unused"), "the variable {name} is used nowhere", "use it, or write _"),
    (
        re.compile(r"var (?P<name>\S+) is unsafe"),
        "nothing gives {name} a value",
        "write some {name} in ..., or {name} := ...; or is it misspelt?",
    ),
)
_HINTS = {
    "opa/syntax": "correct the syntax here or in the line above",
    "opa/types": "compare and pass what has the type that is wanted",
    "opa/compile": "correct what OPA names",
    "opa/recursion": "let one of them do without the other",
    "metadata/schema": "docs/rego.md lists the members of METADATA",
    "data/schema": "docs/checks.md says what each key of the organisation's data decides",
}


def rephrased(problem: Problem) -> Problem:
    """The same problem, told so that an author knows what to do."""
    if problem.rule == "layout/empty-file":
        return replace(problem, message="the file is empty: it decides nothing", hint="write the rule, or remove it")
    for pattern, message, hint in _WORDS:
        if found := pattern.search(problem.message):
            named = found.groupdict()
            told = hint if hint == TEMPLATE else hint.format(**named)
            kept = problem.hint if problem.hint.startswith("did you mean") else told
            return replace(problem, message=message.format(**named), hint=kept)
    hint = problem.hint or _HINTS.get(problem.rule, problem.reason.remedy)
    return replace(problem, message=" ".join(problem.message.split()), hint=hint)
