"""What ``check`` may have found, made by hand, and how a format shows it."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.report.check.formats import as_printed, report_in
from bspec_opa.report.check.interface import Manner, Tally
from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.facts.spot import Spot

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Problem

HOSTILE = (
    "a\n::set-env name=x::y\r\n##vso[task.setvariable variable=x]y\n##[stop-commands]t\n...\n1..0\nok 1\x1b[2J\x00\x85\u2028"
    '\ufffe\uffff\udcff%0A::error::,title=z]]>;]<b a="1">&amp;[l](http://evil.example)`#\\'
)
"""Everything that some reader of a report takes for more than text."""
BASE = PurePath("/work")
DIGEST = Digest("sha256:" + "7" * 64)
BUNDLE = BundleRef("default", DIGEST, DIGEST)


def found(message: str = "too much", *, file: str = "a/behavior.intent", line: int = 3, pending: bool = False) -> Found:
    spot = Spot(file, line, 5, 4, 0, "    read: x") if line else Spot(file)
    return Found(message, "/tools/0/privilege", spot, "/tools/billing/privilege", pending=pending)


def rule(
    rule_id: str = "global.tools.one", severity: str = "high", text: str = "Do less.", **members: object
) -> CheckedRule:
    return CheckedRule(
        rule_id,
        "bundle",
        "TOL-01",
        "One",
        "What one is about.",
        severity,
        text,
        ("SOC2:CC8.1",),
        **members,  # type: ignore[arg-type]
    )


def checked(*rules: CheckedRule, file: str = "a/behavior.intent", problems: tuple[Problem, ...] = ()) -> Checked:
    return Checked(file, "billing", "1.0.0", BUNDLE, rules, problems)


PASSED = checked(rule(), rule("global.tools.two"))
DENIED = checked(
    rule(denied=(found(), found("far too much", line=9))), rule("global.tools.two"), file="b/behavior.intent"
)
WARNED = checked(rule(warned=(found("hm"),)), file="c/behavior.intent")
EXCEPTED = checked(
    CheckedRule(
        "conftest.main.deny_x", "conftest", "", "data.main.deny_x", excepted=(found("but", line=0),), lifted=True
    ),
    file="d/behavior.intent",
)
BROKEN = Checked(
    "e/x.intent", problems=(UNREADABLE.problem("no file", hint="name one", at=Location("e/x.intent", 2, 7)),)
)
NAMELESS = Checked("f/x.intent", problems=(UNREADABLE.problem("no place"),))
ALL = (PASSED, DENIED, WARNED, EXCEPTED, BROKEN, NAMELESS)
BAD = checked(
    rule(HOSTILE, text=HOSTILE, denied=(found(HOSTILE, file=HOSTILE),), warned=(found(HOSTILE, file=HOSTILE, line=0),)),
    rule(HOSTILE + "2", excepted=(found(HOSTILE, file=HOSTILE),), lifted=True),
    file=HOSTILE,
    problems=(UNREADABLE.problem(HOSTILE, hint=HOSTILE, at=Location(HOSTILE, 1, 1)),),
)


def is_tame(text: str) -> bool:
    """Whether a terminal or a log would show it as it is."""
    return all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in text)


def shown(form: str, *results: Checked, fail_on_warn: bool = False, show_passed: bool = False) -> str:
    """What reaches standard output."""
    manner = Manner(BASE, fail_on_warn, show_passed)
    report, tally = report_in(form, manner), Tally(manner)
    text = ""
    for result in results:
        tally.add(result)
        text += report.one(result)
    return as_printed(form, text + report.end(tally))
