"""What a check found in one intent: the input of every report of ``check``. Plain data, which crosses processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, ExitCode, worst

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.workflow.facts.evaluation import BundleRef
    from bspec_opa.workflow.facts.spot import Spot

BUNDLE, CONFTEST = "bundle", "conftest"
"""Where a rule comes from."""
PASS, WARN, DENY, EXCEPTED = "pass", "warn", "deny", "excepted"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a rule says.

    Attributes:
        message: in the rule's words.
        path: a JSON Pointer into the intent; empty for the whole of it.
        spot: its place in the source.
        lasting: the path in a form that outlives the order of lists.
        pending: whether something missing would lift it.
        details: what else a conftest policy says about it.
    """

    message: str
    path: str
    spot: Spot
    lasting: str = ""
    pending: bool = False
    details: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """One rule that ran.

    Attributes:
        id: ``global.tools.no_admin``, or ``conftest.main.deny_latest``.
        origin: ``bundle`` or ``conftest``.
        severity: critical, high, medium or low; empty where the author gave none.
        lifted: a conftest exception names the rule.
        excepted: what it would have said without the exception.
    """

    id: str
    origin: str
    code: str = ""
    title: str = ""
    description: str = ""
    severity: str = ""
    remediation: str = ""
    controls: tuple[str, ...] = ()
    denied: tuple[Found, ...] = ()
    warned: tuple[Found, ...] = ()
    excepted: tuple[Found, ...] = ()
    lifted: bool = False

    @property
    def status(self) -> str:
        """pass, warn, deny or excepted."""
        if self.denied:
            return DENY
        if self.warned:
            return WARN
        return EXCEPTED if self.lifted else PASS


@dataclass(frozen=True, slots=True)
class Checked:
    """One intent: the rules that ran, or why none could.

    Attributes:
        file: as it was named.
        agent: the intent's ``metadata.id``; empty if it is no intent.
        version: the intent's ``metadata.version``.
        bundle: what our own rules come from.
        rules: every rule that ran, with what it says.
        problems: why nothing can be said of it, or not all.
    """

    file: str
    agent: str = ""
    version: str = ""
    bundle: BundleRef | None = None
    rules: tuple[CheckedRule, ...] = ()
    problems: tuple[Problem, ...] = ()

    def having(self, status: str) -> tuple[CheckedRule, ...]:
        """The rules of this status."""
        return tuple(r for r in self.rules if r.status == status)

    def exit_code(self, *, fail_on_warn: bool = False) -> ExitCode:
        """As if it were the only one. Without any rule nothing is right (attack A41)."""
        if self.problems or not self.rules:
            return worst(p.reason.exit_code for p in self.problems) if self.problems else ExitCode.INTERNAL
        denied = [f for r in self.rules for f in r.denied]
        if denied:
            return ExitCode.PENDING if all(f.pending for f in denied) else ExitCode.DENIED
        return ExitCode.WARNED if fail_on_warn and self.having(WARN) else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent that our own rules were asked about, and what others need to be asked about it, too.

    Attributes:
        checked: what our own rules say.
        request: exactly what ``normalize`` prints.
        text: the source; a document itself can't be sent to another process.
    """

    checked: Checked
    request: JsonObject
    text: str


def unchecked(file: Path, error: BspecError) -> Checked:
    """An intent of which nothing can be said."""
    return Checked(str(file), problems=error.problems)
