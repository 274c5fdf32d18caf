"""What one evaluation found: the input of every report. No IO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode

if TYPE_CHECKING:
    from bspec_opa.bundle.index import Index
    from bspec_opa.engine.interface import EngineFacts
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.gate.decision import Decision
    from bspec_opa.workflow.facts.waivers import Standing


@dataclass(frozen=True, slots=True)
class BundleRef:
    """Which policy bundle decided: its name for people, its revision, and sha256 of its uncompressed tar."""

    name: str
    revision: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was there and does not count, with the reason code and a sentence."""

    type: str
    id: str
    file: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Adopters:
    """The quorum of an adoption: how many people the trust root asks for in which role, and how many approved."""

    role: str
    approved: int
    count: int

    @property
    def lacking(self) -> bool:
        """Whether too few have approved exactly this."""
        return self.approved < self.count


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A decision with all that a person needs to understand it.

    Attributes:
        document: the intent, for excerpts with line and caret.
        agent: the intent's ``metadata.id``.
        version: the intent's ``metadata.version``.
        environment: where it would be promoted to.
        source: the environment that it must be current in first, or empty.
        decision: every rule's outcome and the floor's refusals.
        index: titles and remedies of the rules.
        engines: who decided.
        assurance: asserted, measured or cross-checked (protocol, "What a sidecar proves").
        bundle: what was decided with.
        advisory: without a pin nothing is authenticated, and the result is advice.
        notes: what was not checked, one line each.
        unsequenced: records in the inbox that count here but are not in the ledger yet.
        rejected: records that do not count.
        request: the OPA input that was decided on.
        waivers: every waiver of exactly this, and what the decision made of it.
        adopters: the quorum of an adoption, which no rule knows; None if it is none.
    """

    document: Document
    agent: str
    version: str
    environment: str
    source: str
    decision: Decision
    index: Index
    engines: tuple[EngineFacts, ...]
    assurance: str
    bundle: BundleRef
    advisory: bool
    notes: tuple[str, ...]
    unsequenced: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    request: JsonObject
    waivers: tuple[Standing, ...] = ()
    adopters: Adopters | None = None

    @property
    def allowed(self) -> bool:
        """Whether a line would follow: the decision's, and the quorum of an adoption."""
        return self.decision.allowed and not (self.adopters and self.adopters.lacking)

    @property
    def exit_code(self) -> ExitCode:
        """The decision's; an adoption that would be allowed waits for its quorum."""
        return ExitCode.PENDING if self.decision.allowed and not self.allowed else self.decision.exit_code

    def exit_code_of(self, *, fail_on_warn: bool) -> ExitCode:
        """The process's: a warning that fails changes the code of an allow only."""
        warned = fail_on_warn and self.decision.warned and self.allowed
        return ExitCode.WARNED if warned else self.exit_code
