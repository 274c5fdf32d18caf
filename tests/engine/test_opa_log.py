"""What is quoted of OPA's log: the line that says what is wrong, and nothing that could steer a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bspec_opa.engine.opa_log import MAX_QUOTED, complaint, is_about_the_bundle

NOTICE = 'Flag --disable-telemetry has been deprecated, use "skip-version-check" instead'


def entry(**members: Any) -> str:
    return json.dumps(members)


ROOT = entry(level="warning", msg="OPA running with uid or gid 0.")
LISTEN = entry(level="error", msg="Unable to create listeners.", err="bind: no such file")


@pytest.mark.parametrize(
    ("lines", "quoted"),
    [
        ([], ""),
        ([NOTICE, ROOT, entry(level="info", msg="hello"), "", "  "], ""),
        ([NOTICE, ROOT, LISTEN], "Unable to create listeners.: bind: no such file"),
        ([entry(level="error", msg="first"), LISTEN], "first"),
        (["2 errors occurred:", "a.rego:3: undefined function http.send"], "a.rego:3: undefined function http.send"),
        (["1 error occurred: a.rego:3: no"], "1 error occurred: a.rego:3: no"),
        ([ROOT, "error: unknown flag"], "error: unknown flag"),
        ([entry(level="fatal", error="a"), "b"], "a"),
        ([entry(level="error", plugin="x"), "b"], "b"),
        ([entry(level=["error"], msg="a")], ""),
        ([entry(level="error", msg={"a": 1})], "{'a': 1}"),
        (["[1]"], "[1]"),
        (["[" * 100_000], "[" * MAX_QUOTED),
        (["\x1b[31mred\u202e\N{SNOWMAN}"], r"\x1b[31mred\u202e\u2603"),
        ([entry(level="error", msg="\x1b[2J\n\nx")], r"\x1b[2J\n\nx"),
        (["x" * 1000], "x" * MAX_QUOTED),
    ],
)
def test_complaint(lines: list[str], quoted: str) -> None:
    assert complaint(lines) == quoted


@pytest.mark.parametrize(
    ("line", "about"),
    [
        (entry(level="error", plugin="bundle", msg="Bundle load failed"), True),
        (entry(level="warning", plugin="bundle", msg="slow"), False),
        (entry(level="error", plugin="status", msg="no"), False),
        (entry(level="error", msg="no"), False),
        ("bundle error", False),
        ("", False),
    ],
)
def test_is_about_the_bundle(line: str, about: bool) -> None:
    assert is_about_the_bundle(line) is about
