"""OPA's messages in an author's words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Problem

_UNDEFINED_REF = re.compile(
    r'undefined ref: (?P<path>\S+).*?have: "(?P<have>[^"]*)".*?want \(one of\): \[(?P<want>[^\]]*)\]', re.DOTALL
)
_UNDEFINED_REF_ALONE = re.compile(r"undefined ref: (?P<path>\S+)")
_UNDEFINED_FUNCTION = re.compile(r"undefined function (?P<name>\S+)")
_UNUSED = re.compile(r"(?P<what>import|assigned var|declared var) (?P<name>\S+) unused")
_UNSAFE = re.compile(r"var (?P<name>\S+) is unsafe")
_WORDS = re.compile(r'"([^"]*)"')


def rephrased(problem: Problem) -> Problem:
    """The same problem, told so that an author knows what to do."""
    message = problem.message
    if found := _UNDEFINED_REF.search(message):
        hint = did_you_mean(found["have"], _WORDS.findall(found["want"]))
        return replace(problem, message=f"{found['path']} is in no schema", hint=hint)
    if found := _UNDEFINED_REF_ALONE.search(message):
        return replace(problem, message=f"{found['path']} is in no schema", hint="bspec-opa normalize prints the input")
    if found := _UNDEFINED_FUNCTION.search(message):
        hint = "misspelt, or not on the allow-list of builtins: let Python compute the fact"
        return replace(problem, message=f"there is no function {found['name']} for policies", hint=hint)
    if found := _UNUSED.search(message):
        if found["what"] == "import":
            return replace(problem, message=f"the import {found['name']} is used nowhere", hint="remove it")
        return replace(problem, message=f"the variable {found['name']} is used nowhere", hint="use it, or write _")
    if found := _UNSAFE.search(message):
        hint = "give it a value: some x in ..., or x := ...; or is a name misspelt?"
        return replace(problem, message=f"nothing gives {found['name']} a value", hint=hint)
    if problem.rule == "layout/empty-file":
        return replace(problem, message="the file is empty: it decides nothing", hint="write the rule, or remove it")
    return replace(problem, message=" ".join(message.split()))
