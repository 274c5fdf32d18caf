"""What runs somewhere, as whoever deploys reports it, held against the line that is current there (attack A44)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.errors import error_of
from bspec_opa.workflow.reasons import DEPLOYED_DIFFERS, DEPLOYED_SUPERSEDED
from bspec_opa.workflow.running import DEPLOYED_SCHEMA, NAME, BoundComparison, bound_of, read_deployed
from bspec_opa.workflow.verifying.verified import withdrawal_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.lock.line import LockLine
    from bspec_opa.workflow.verifying.verified import Verification, VerifiedLine

__all__ = ["DEPLOYED_SCHEMA", "compare_deployed", "expected_of", "read_deployed"]


def expected_of(line: LockLine) -> JsonObject:
    """The document that a deployment of exactly this line writes."""
    return {
        "schema": NAME,
        "agent": line.agent,
        "environment": line.environment,
        "line": line.digest,
        **bound_of(line.binding),
    }


def compare_deployed(verification: Verification, document: Document, environment: str = "") -> None:
    """Demand that what is deployed is exactly what the environment's current line binds (attack A44).

    Args:
        verification: the lock.
        document: what somebody says runs.
        environment: where it runs: what was approved for staging is not approved elsewhere. Any if empty.

    Raises:
        TrustError: every difference, each with its place and what to do about it.
    """
    found = list(_Comparison(verification, document, environment).problems())
    if found:
        raise error_of(found)


class _Comparison:
    """A verified lock and what somebody says runs."""

    def __init__(self, verification: Verification, document: Document, environment: str) -> None:
        self._verification = verification
        self._document = document
        self._environment = environment
        self._deployed = cast("dict[str, Any]", document.value)

    def problems(self) -> Iterator[Problem]:
        """Every difference; of another agent or environment there is nothing more to compare."""
        agent, environment = self._deployed["agent"], self._deployed["environment"]
        lines = self._verification.lines
        if agent != self._verification.agent:
            message = f"agent is {agent}, the lock is of {self._verification.agent}"
            yield self._differs("/agent", message, "verify the lock of the agent that runs")
            return
        if self._environment not in {"", environment}:
            message = f"environment is {environment}, and it is deployed to {self._environment}"
            yield self._differs("/environment", message, f"deploy what was promoted to {self._environment}")
            return
        current = next((v for v in lines if v.current and v.environment == environment), None)
        if current is None:
            known = ", ".join(sorted({v.environment for v in lines if v.current}))
            message = f"the lock has no current line for {environment}"
            yield self._differs("/environment", message, f"promote to it, or name one of: {known or 'none'}")
            return
        withdrawn = withdrawal_problem(current, self._document.locate("/line"))
        if withdrawn is not None:
            yield withdrawn
            return
        yield from self._line(current)
        yield from BoundComparison(self._document).differences(current.binding)

    def _differs(self, pointer: str, message: str, hint: str) -> Problem:
        return DEPLOYED_DIFFERS.problem(message, hint=hint, at=self._document.locate(pointer))

    def _line(self, current: VerifiedLine) -> Iterator[Problem]:
        """Whether it was deployed from the line that is current: what was, is no longer approved."""
        line = self._deployed["line"]
        if line == current.digest:
            return
        named = next((v for v in self._verification.lines if v.digest == line), None)
        hint = f"deploy line {current.number}, {current.digest}"
        if named is None:
            yield self._differs("/line", f"the lock has no line {line}", hint)
        elif named.environment != current.environment:
            message = f"line {named.number} promotes to {named.environment}, not to {current.environment}"
            yield self._differs("/line", message, hint)
        else:
            message = (
                f"line {named.number} of {named.at} was superseded by line {current.number} of {current.at} "
                f"in {current.environment}"
            )
            yield DEPLOYED_SUPERSEDED.problem(message, hint=hint, at=self._document.locate("/line"))
