"""What to do next: the exact command for everything a pending finding needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import PurePath
from shlex import quote
from typing import TYPE_CHECKING, cast

from bspec_opa.gate.decision import Needs
from bspec_opa.report.decision.rolling import emergency_flag, flags_of, short, wanted_of
from bspec_opa.report.writing.counting import count
from bspec_opa.workflow.checkout.project import INTENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.gate.decision import Decision
    from bspec_opa.workflow.checkout.config import Config
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.facts.evaluation import Adopters, Evaluation
    from bspec_opa.workflow.facts.rolling import Wanted

_ORDER = ("resolve", "review", "submit", "evidence", "approval", "request", "soak")
_DAY_S, _HOUR_S = 86_400, 3_600


@dataclass(frozen=True, slots=True)
class Steps:
    """How commands are written for a project.

    Attributes:
        intent: the intent's file as the user named it.
        environment: the environment evaluated for.
        root: the project's directory, where keys and results may lie, too; the intent's own by default.
        exists: whether there is a file of this name; what isn't there is not named as if it were.
        prepared: whether there is a trust root; without one the next step is to sign it, or ``init``, which says
            what follows.
        pinned: whether a trust pin is known; nothing can be signed without one.
        configured: roles (author, approver, …) whose key the configuration names, so ``--key`` can be left out.
        back: the line that is gone back to, if it is a rollback.
        unreviewed: the emergencies that wait for a review: the line and its environment.
        adopters: the quorum of an adoption; approvals and the request are for one then.
    """

    intent: str
    environment: str
    root: PurePath | None = None
    exists: Callable[[PurePath], bool] = lambda _: False
    prepared: bool = True
    pinned: bool = True
    configured: frozenset[str] = frozenset()
    back: Wanted | None = None
    unreviewed: tuple[tuple[str, str], ...] = ()
    adopters: Adopters | None = None

    def of(self, decision: Decision) -> list[str]:
        """Commands in the order of the protocol, each once."""
        needs = {f.needs for r in decision.rules for f in r.pending if f.needs is not None}
        if self.adopters and self.adopters.lacking:
            needs.add(Needs("approval", role=self.adopters.role))
        # Where an approval in a role is missing, "somebody's" approval is the same one.
        if any(n.kind == "approval" and n.role for n in needs):
            needs = {n for n in needs if n.kind != "approval" or n.role}
        # A run that answers the question also probes the boundary.
        if any(n.kind == "evidence" and n.method for n in needs):
            needs = {n for n in needs if n.kind != "evidence" or n.method}
        if needs and not self.prepared:
            return self._preparing()
        commands = [] if self.pinned or not needs else ["export BSPEC_OPA_TRUST_PIN=…   (trust init printed the line)"]
        for kind in _ORDER:
            commands.extend(self._unique(n for n in needs if n.kind == kind))
        return commands

    def about(self, request: JsonObject) -> Steps:
        """The same for what an input is about: a rollback, or what waits for a review."""
        waiting = cast("list[dict[str, str]]", request["unreviewed"])
        return replace(self, back=wanted_of(request), unreviewed=tuple((u["line"], u["environment"]) for u in waiting))

    def _preparing(self) -> list[str]:
        """How there comes to be a trust root."""
        trust = self._top / "trust.yaml"
        if not self.exists(trust):
            return [f"bspec-opa init {quote(str(self._folder))} --trial-keys"]
        sign = f"bspec-opa trust init {quote(str(trust))}{self._key_file('root')}"
        return [sign, "export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)"]

    def _unique(self, needs: Iterable[Needs]) -> list[str]:
        return sorted({self.command(n) for n in needs})

    def command(self, need: Needs) -> str:
        """The command that gives what a finding needs."""
        intent, environment = quote(self.intent), quote(self.environment)
        match need.kind:
            case "resolve":
                return f"bspec-opa resolve {intent}"
            case "submit":
                return self.submit()
            case "evidence":
                name = f"{need.question or 'boundary'}-{need.method or 'functional'}.json"
                result = self._found("results", name) or self._top / "results" / name
                key = self._key("evaluator")
                return f"bspec-opa attest {intent} --env {environment} --result {quote(str(result))}{key}"
            case "approval":
                role = f" --role {quote(need.role)}" if need.role else " --role ROLE"
                key = self._key("approver", need.role)
                return f"bspec-opa approve {intent} --env {environment}{role}{self.about_what}{key}"
            case "request" | "review":
                request = f"bspec-opa request {intent} --env {environment}{self.about_what}{self._key('promoter')}"
                return request if need.kind == "request" else self._first_review()
            case _:
                return f"wait {_span(need.count)}: the source environment's soak is not over"

    @property
    def about_what(self) -> str:
        """The flags that say that it is no ordinary promotion."""
        return " --adopt" if self.adopters else flags_of(self.back)

    def submit(self) -> str:
        """The command that follows a resolution."""
        return f"bspec-opa submit {quote(self.intent)}{self._key('author')}"

    def _first_review(self) -> str:
        """Of several emergencies that wait the first one comes first; it may be in the source environment."""
        line, environment = self.unreviewed[0] if self.unreviewed else ("LINE", self.environment)
        return self.review(line, environment)

    def review(self, line: str, environment: str) -> str:
        """The command that reviews an emergency."""
        beside, key = beside_flag(self.intent), self._key("reviewer")
        return f"bspec-opa review {short(line)} --env {quote(environment)} --reason REASON{beside}{key}"

    def _key(self, role: str, name: str = "") -> str:
        return "" if role in self.configured else self._key_file(name or role)

    def _key_file(self, name: str) -> str:
        """The key that is called like the role; which of the others it would be can't be guessed."""
        file = self._found("keys", f"{name}.pem")
        return f" --key {quote(str(file))}" if file else " --key KEY"

    def _found(self, folder: str, name: str) -> PurePath | None:
        """A file in a folder beside the intent, else in that of the project."""
        return next((p for p in (self._folder / folder / name, self._top / folder / name) if self.exists(p)), None)

    @property
    def _folder(self) -> PurePath:
        return PurePath(self.intent).parent

    @property
    def _top(self) -> PurePath:
        return self._folder if self.root is None else self.root


def _span(seconds: int) -> str:
    """Seconds for people, rounded up."""
    if seconds >= _DAY_S:
        return count(-(-seconds // _DAY_S), "day")
    if seconds >= _HOUR_S:
        return count(-(-seconds // _HOUR_S), "hour")
    return count(-(-seconds // 60), "minute")


def configured_roles(config: Config) -> frozenset[str]:
    """The roles whose key the configuration names."""
    roles = ("author", "approver", "evaluator", "promoter", "reviewer", "gate", "ledger")
    return frozenset(r for r in roles if config.text(f"signing.{r}") is not None)


def steps_in(project: Project, intent: str, environment: str, *, prepared: bool = True, pinned: bool = True) -> Steps:
    """How commands are written in a project, with the files that it has now."""
    configured = configured_roles(project.config)
    return Steps(intent, environment, project.root, os.path.lexists, prepared, pinned, configured)


def beside_flag(intent: str) -> str:
    """Where the agent's lock lies, for commands that name no intent; nothing where they find it by themselves."""
    return "" if intent == INTENT_NAME else f" --intent {quote(intent)}"


def steps_for(intent: str, evaluation: Evaluation, project: Project, *, prepared: bool) -> list[str]:
    """The next commands for an evaluation in a project."""
    steps = steps_in(project, intent, evaluation.environment, prepared=prepared, pinned=not evaluation.advisory)
    steps = replace(steps, adopters=evaluation.adopters)
    if evaluation.request["predecessor_expected"] and not evaluation.request["predecessor"]:
        return [f"bspec-opa evaluate {quote(intent)} --env {quote(evaluation.source)}"]
    steps = steps.about(evaluation.request)
    back = steps.back
    if evaluation.decision.denied:
        again = f"bspec-opa evaluate {quote(intent)} --env {quote(evaluation.environment)}{steps.about_what}"
        return [f"{again}  # when what is denied is corrected"]
    commands = steps.of(evaluation.decision)
    if evaluation.allowed and evaluation.adopters:
        commands.append(f"bspec-opa adopt {quote(intent)} --env {quote(evaluation.environment)} --deployed FILE")
    elif evaluation.allowed and back is None:
        commands.append(f"bspec-opa promote {quote(intent)} --env {quote(evaluation.environment)}")
    elif evaluation.allowed and back is not None:
        flags = f"{emergency_flag(back)}{beside_flag(intent)}"
        commands.append(f"bspec-opa rollback {short(back.line)} --env {quote(evaluation.environment)}{flags}")
    return commands


def steps_after(intent: str, lock: PurePath, following: Iterable[str]) -> list[str]:
    """The next commands after a promotion: check the lock, and go on to the environments that follow."""
    further = [f"bspec-opa evaluate {quote(intent)} --env {quote(e)}" for e in following]
    return [f"bspec-opa verify {quote(str(lock))}", *further]
