"""Whose evidence counts where. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.trust.authority import ROLE_OF, SURFACE_SUBJECT
from bspec_opa.trust.reasons import ROLE_NOT_GRANTED
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.withdrawing import restricts

if TYPE_CHECKING:
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import Environment, TrustRoot
    from bspec_opa.workflow.facts.heads import Sequenced
    from bspec_opa.workflow.facts.history import History


def counting_in(history: History, environment: Environment, root: TrustRoot, surface: Digest) -> History:
    """A history without the evidence of people who may not attest for an environment.

    Evidence is about a surface and a binding and serves every environment, but only where its signer is trusted as
    an evaluator (attack A14). What is about another surface serves nowhere and is not complained about.

    A run in which something failed stands in the environment that it was signed for, whatever became of its signer's
    role since: it verified there. Elsewhere it doesn't count either, for all but one of its cases may have passed.
    """
    foreign = [r for r in history.of_type("evidence") if _is_foreign(r.record, environment, root, surface)]
    left_out = {r.record.id for r in foreign}
    return replace(
        history,
        records=tuple(r for r in history.records if r.record.id not in left_out),
        rejected=(*history.rejected, *(_rejected(r, environment) for r in foreign)),
    )


def _is_foreign(record: Record, environment: Environment, root: TrustRoot, surface: Digest) -> bool:
    if record.environment == environment.id and restricts(record.type, record.predicate):
        return False
    roles = root.roles_of(record.principal, record.agent, environment.id)
    return ROLE_OF["evidence"] not in roles and record.statement.digest_of(SURFACE_SUBJECT) == surface


def _rejected(sequenced: Sequenced, environment: Environment) -> Rejected:
    record = sequenced.record
    where = "inbox" if sequenced.seq is None else f"ledger entry {sequenced.seq}"
    message = f"{record.principal} doesn't hold role {record.role} for {record.agent} in {environment.id}"
    return Rejected(record.type, record.id, where, ROLE_NOT_GRANTED.code, message)
