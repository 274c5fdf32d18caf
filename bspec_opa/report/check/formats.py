"""The formats of ``check`` by name; a format's module is loaded when it is used."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, cast

from bspec_opa.report.writing.printable import printable_lines

if TYPE_CHECKING:
    from bspec_opa.report.check.interface import Manner, Report

_PACKAGE = "bspec_opa.report.check"
_CLASSES = {
    "text": ("text", "TextReport"),
    "table": ("table", "TableReport"),
    "json": ("documents", "JsonReport"),
    "jsonl": ("documents", "JsonLinesReport"),
    "junit": ("junit", "JunitReport"),
    "tap": ("tap", "TapReport"),
    "sarif": ("sarif", "SarifReport"),
    "github": ("github", "GithubReport"),
    "azuredevops": ("azure", "AzureReport"),
}
FORMATS = tuple(_CLASSES)

# What a CI system takes for its own command in whatever is printed (attack A72): GitHub's runner "::" where a line
# begins and "##[" anywhere, the agent of Azure Pipelines "##vso[" and "##[" anywhere.
_COMMANDS = frozenset({"github", "azuredevops"})
_BRACKETS = {"json": r"\u005b", "jsonl": r"\u005b", "sarif": r"\u005b", "junit": "&#91;"}
_ANYWHERE = re.compile(r"(##(?:vso)?)\[", re.IGNORECASE)
_BEGINNING = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)


def as_printed(form: str, text: str) -> str:
    """The last look at what a report gives: no control characters, and no commands but the report's own."""
    lines = printable_lines(text)
    if form in _COMMANDS:
        return lines
    bracket = _BRACKETS.get(form, r"\x5b")
    return _BEGINNING.sub(r"\1\\x3a", _ANYWHERE.sub(lambda m: m[1] + bracket, lines))


def report_in(form: str, manner: Manner) -> Report:
    """A report that has heard of nothing yet."""
    module, name = _CLASSES[form]
    return cast("Report", getattr(importlib.import_module(f"{_PACKAGE}.{module}"), name)(manner))
