"""What a verification found, line by line, and what of it must not run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.lock.line import PROMOTION
from bspec_opa.workflow.currency.demanding import NOT_SHOWN
from bspec_opa.workflow.life.reasons import AGENT_RETIRED, LINE_REVOKED

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.workflow.currency.demanding import Shown
    from bspec_opa.workflow.facts.striking import Struck
    from bspec_opa.workflow.facts.withdrawing import Withdrawal


@dataclass(frozen=True, slots=True)
class VerifiedLine:
    """A line of a lock that holds in every respect.

    Attributes:
        number: from 1.
        digest: sha256 of the line without its line feed.
        environment: where it promoted to.
        at: when it was decided, ``YYYY-MM-DDTHH:MM:SSZ``.
        entry: the ledger entry that holds it.
        assurance: what the decision was worth when it was taken.
        rules: how many rules were replayed.
        approvals: principal and role of each.
        current: whether it is the environment's current line.
        binding: what it binds.
        kind: promotion or rollback.
        target: of a rollback, the line that it redeploys; else empty.
        emergency: whether it is a rollback by the quorum for emergencies.
        reviewed_by: of an emergency, who reviewed it without having taken part.
        waivers: ids of the waivers that it rests on.
        adopted: where and since when the agent was adopted, one text each.
        withdrawn: the line's revocation or, of the environment's current line, the agent's retirement there.
    """

    number: int
    digest: Digest
    environment: str
    at: str
    entry: int
    assurance: str
    rules: int
    approvals: tuple[tuple[str, str], ...]
    current: bool
    binding: JsonObject
    kind: str = PROMOTION
    target: str = ""
    emergency: bool = False
    reviewed_by: tuple[str, ...] = ()
    waivers: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    withdrawn: Withdrawal | Struck | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified, and against what.

    Attributes:
        agent: whose lock it is.
        lines: every line, in order.
        tree_size: entries of the ledger.
        root_version: of the trust root in force.
        notes: what could not be checked.
        deployed: the file that was compared with the current line, if one was.
        shown: what shows that the ledger is no old one.
    """

    agent: str
    lines: tuple[VerifiedLine, ...]
    tree_size: int
    root_version: int
    notes: tuple[str, ...]
    deployed: str = ""
    shown: Shown = NOT_SHOWN

    @property
    def unreviewed(self) -> tuple[VerifiedLine, ...]:
        """The emergencies that nothing ordinary may follow yet, oldest first."""
        found: list[VerifiedLine] = []
        for environment in dict.fromkeys(line.environment for line in self.lines):
            here = [line for line in self.lines if line.environment == environment]
            newest = takewhile(lambda line: line.emergency, reversed(here))
            found += [line for line in reversed([*newest]) if not line.reviewed_by]
        return tuple(found)


def require_standing_lines(verification: Verification, name: str) -> None:
    """Demand that nobody has withdrawn the current line of any environment: what it binds must not be deployed.

    Raises:
        TrustError: somebody has; each one is named.
    """
    problems = [p for v in verification.lines if (p := withdrawal_problem(v, Location(f"{name} line {v.number}")))]
    if problems:
        raise error_of(problems)


def withdrawal_problem(line: VerifiedLine, at: Location) -> Problem | None:
    """That a current line must not run, if it mustn't."""
    if not line.current or line.withdrawn is None:
        return None
    if line.withdrawn.ends_agent:
        message = f"the agent was {line.withdrawn.said}; nothing of it may run in {line.environment}"
        return AGENT_RETIRED.problem(message, hint="stop the deployment", at=at)
    hint = f"stop the deployment; promote to {line.environment} again, or roll back"
    return LINE_REVOKED.problem(f"the current line of {line.environment} was {line.withdrawn.said}", hint=hint, at=at)
