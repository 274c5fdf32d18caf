"""A check as SARIF 2.1.0 (OASIS standard), which code scanning of GitHub, GitLab and Azure reads."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from bspec_opa import __version__
from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.writing.printable import printable, render_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem, Reason
    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "bspecFinding/v1"
_ERROR, _WARNING, _NOTE = "error", "warning", "note"
# What GitHub sorts by: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}
_NOT_DECIDED = frozenset({ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.TRUST, ExitCode.ENGINE, ExitCode.STORE})


class SarifReport:
    """``--format sarif``."""

    apart: ClassVar[bool] = False

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._rules: dict[str, JsonObject] = {}
        self._numbers: dict[str, int] = {}
        self._results: list[JsonValue] = []
        self._notifications: list[JsonValue] = []
        self._seen: Counter[JsonValue] = Counter()

    def one(self, checked: Checked) -> str:
        """Nothing yet."""
        for problem in checked.problems:
            self._add_problem(checked, problem)
        for rule in checked.rules:
            self._number(rule.id, partial(_described, rule))
            for found in rule.denied:
                self._add(rule, found, _ERROR if rule.severity != "low" else _WARNING)
            for found in rule.warned:
                self._add(rule, found, _WARNING if rule.severity != "low" else _NOTE)
            for found in rule.excepted:
                self._add(rule, found, _NOTE, lifted=True)
        return ""

    def end(self, tally: Tally) -> str:
        """The document."""
        code = tally.exit_code
        invocation: JsonObject = {
            "executionSuccessful": code not in _NOT_DECIDED,
            "exitCode": int(code),
            "exitCodeDescription": tally.line(),
            "toolExecutionNotifications": self._notifications,
        }
        driver: JsonObject = {
            "name": "bspec-opa",
            "semanticVersion": __version__,
            "rules": [*self._rules.values()],
        }
        run: JsonObject = {
            "tool": {"driver": driver},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": self._results,
        }
        return render_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})

    def _number(self, rule_id: str, described: Callable[[], JsonObject]) -> None:
        if rule_id not in self._rules:
            self._numbers[rule_id] = len(self._rules)
            self._rules[rule_id] = described()

    def _add(self, rule: CheckedRule, found: Found, level: str, *, lifted: bool = False) -> None:
        spot = found.spot
        region = _region(spot.line, spot.column, spot.end_column)
        what = found.lasting if spot.line else found.message
        result = self._result(rule.id, level, found.message, file=spot.file, region=region, what=what)
        if lifted:
            result["suppressions"] = [{"kind": "external", "justification": "excepted by the policy"}]
        self._results.append(result)

    def _add_problem(self, checked: Checked, problem: Problem) -> None:
        """An intent that is wrong is a result; what kept it from being judged is a notification, too."""
        reason, at = problem.reason, problem.location
        self._number(reason.code, partial(_described_reason, reason))
        text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        line, column = ((at.line or 0), (at.column or 0)) if at else (0, 0)
        file = at.file if at and at.line else checked.file
        region = _region(line, column, column + 1 if column else 0)
        result = self._result(reason.code, _ERROR, text, file=file, region=region, what=problem.message)
        self._results.append(result)
        if reason.exit_code in _NOT_DECIDED:
            self._notifications.append(
                {
                    "level": _ERROR,
                    "descriptor": {"id": reason.code},
                    "message": result["message"],
                    "locations": result["locations"],
                }
            )

    def _result(
        self, rule_id: str, level: str, message: str, *, file: str, region: JsonObject, what: str
    ) -> dict[str, JsonValue]:
        uri = self._uri(file)
        # What is absolute has no base (3.4.4); a validator refuses both together.
        artifact: JsonObject = {"uri": uri} if uri.startswith("file://") else {"uri": uri, "uriBaseId": "%SRCROOT%"}
        place: JsonObject = {"artifactLocation": artifact, "region": region}
        same: list[JsonValue] = [_well_formed(rule_id), uri, _well_formed(what)]
        fingerprint = digest_json(same)
        self._seen[fingerprint] += 1
        # "[text](target)" is a link in SARIF's plain text, too (3.11.6).
        text = "\n".join(map(printable, message.split("\n"))).replace("](", "] (")
        return {
            "ruleId": rule_id,
            "ruleIndex": self._numbers[rule_id],
            "level": level,
            "message": {"text": text},
            "locations": [{"physicalLocation": place}],
            "partialFingerprints": {FINGERPRINT: f"{fingerprint.removeprefix('sha256:')}:{self._seen[fingerprint]}"},
        }

    def _uri(self, file: str) -> str:
        path = self._manner.path(file)
        # A first segment with a colon would be a scheme (RFC 3986, 4.2); quoting it away is enough.
        return ("file://" if path.startswith("/") else "") + quote(os.fsencode(path), safe="/")


def _region(line: int, column: int, end_column: int) -> JsonObject:
    """Where it is; what is about a whole file is at its first line, because code scanning takes nothing without."""
    if not line:
        return {"startLine": 1}
    columns: JsonObject = {"startColumn": column, "endColumn": max(end_column, column + 1)} if column else {}
    return {"startLine": line, **columns}


def _described(rule: CheckedRule) -> JsonObject:
    """A rule with what GitHub shows beside an alert."""
    title = rule.title or rule.id
    remedy = rule.remediation or "See the policy that this rule comes from."
    tags: list[JsonValue] = [*dict.fromkeys((rule.origin, *rule.controls))]
    properties: JsonObject = {"tags": tags}
    if rule.severity in _SCORES:
        properties = {**properties, "security-severity": _SCORES[rule.severity]}
    return {
        "id": rule.id,
        "name": rule.code or rule.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": " ".join(rule.description.split()) or title},
        "help": {"text": remedy, "markdown": f"**{_markdown(title)}**\n\n{_markdown(remedy)}"},
        "defaultConfiguration": {"level": _WARNING if rule.severity == "low" else _ERROR},
        "properties": properties,
    }


def _described_reason(reason: Reason) -> JsonObject:
    return {
        "id": reason.code,
        "shortDescription": {"text": reason.summary},
        "help": {"text": reason.remedy},
        "defaultConfiguration": {"level": _ERROR},
    }


def _markdown(text: str) -> str:
    """Text whose marks are shown and not obeyed (attack A73)."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~&" else c for c in text)


def _well_formed(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
