"""What three engines make of one request, side by side, and what a whole run has seen."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.errors import BspecError, EngineError
from bspec_opa.gate.request import check_request

if TYPE_CHECKING:
    from bspec_opa.engine.interface import Engine

PARTS = ("global", "promotion")
SILENT = "engine.undefined"
UNSENDABLE = "engine.unsendable"


def is_accepted(request: Any) -> bool:
    """By the check that every request of the product passes."""
    try:
        check_request(request)
    except BspecError:
        return False
    return True


def outcome(engine: Engine, request: Any) -> Any:
    """The decision, sorted throughout; or the code of the refusal."""
    try:
        return ordered(engine.decide(request).decision)
    except EngineError as e:
        return e.code


def ordered(value: Any) -> Any:
    """A value that is equal for equal findings: sets come back in any order."""
    if isinstance(value, dict):
        return {k: ordered(v) for k, v in value.items()}
    if isinstance(value, list):
        return sorted((ordered(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    return value


def disagreements(outcomes: dict[str, Any]) -> list[str]:
    """Where the engines differ: rules and members of the decision by name, with what each engine said."""
    if all(isinstance(o, dict) for o in outcomes.values()):
        members = {engine: _flat(decision) for engine, decision in outcomes.items()}
        names = sorted({name for flat in members.values() for name in flat})
    else:
        members = {engine: {"outcome": o if isinstance(o, str) else "a decision"} for engine, o in outcomes.items()}
        names = ["outcome"]
    found: list[str] = []
    for name in names:
        said = {engine: json.dumps(flat.get(name, "nothing"), sort_keys=True) for engine, flat in members.items()}
        if len(set(said.values())) > 1:
            found.append(f"{name}: {said}")
    return found


def _flat(decision: dict[str, Any]) -> dict[str, Any]:
    rules = {f"{p} {rule}": answer for p in PARTS for rule, answer in decision.get(p, {}).items()}
    return {k: v for k, v in decision.items() if k not in PARTS} | rules


@dataclass
class Tally:
    """What a run has really done.

    Attributes:
        requests: digests of the different ones.
        outcomes: how often a request was accepted or refused by the input check, and what came of it.
        silent: rules that had nothing to say somewhere.
        fired: rules that denied, warned or were waived somewhere.
    """

    requests: set[bytes] = field(default_factory=set)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    silent: set[str] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)

    @property
    def cases(self) -> int:
        return len(self.requests)

    def count(self, request: Any, decided: Any, *, accepted: bool) -> None:
        """Count it, unless it was asked before."""
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
        if digest in self.requests:
            return
        self.requests.add(digest)
        kind = decided if isinstance(decided, str) else "decided"
        self.outcomes["accepted" if accepted else "refused", kind] += 1
        if isinstance(decided, dict):
            for part in PARTS:
                for rule, answer in decided[part].items():
                    (self.silent if answer["status"] == "pass" else self.fired).add(rule)

    def __str__(self) -> str:
        parts = [f"{kind} ({check}): {n}" for (check, kind), n in sorted(self.outcomes.items())]
        return f"{self.cases} different requests to every engine; " + ", ".join(parts)
