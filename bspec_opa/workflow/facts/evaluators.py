"""Whose evidence counts where. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.trust.authority import ROLE_OF, SURFACE_SUBJECT
from bspec_opa.trust.reasons import ROLE_NOT_GRANTED
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.withdrawing import restricts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.root import Environment, TrustRoot
    from bspec_opa.workflow.facts.heads import Sequenced
    from bspec_opa.workflow.facts.history import History


def counting_in(history: History, environment: Environment, roots: Sequence[TrustRoot], surface: Digest) -> History:
    """A history without the evidence of people who may not attest for an environment.

    Evidence is about a surface and a binding and serves every environment, but only where its signer is trusted as
    an evaluator (attack A14). What is about another surface serves nowhere and is not complained about.

    A run in which something failed stands wherever its signer might attest when it was sequenced, whatever became of
    the role since: it counted there. Where that never was so it doesn't count either, for all but one of its cases may
    have passed. Of any other run that counted here once, what it saw the agent use still matters.

    Args:
        history: of the agent.
        environment: where to.
        roots: the walked chain.
        surface: of what would be promoted.
    """
    foreign = [r for r in history.of_type("evidence") if _is_foreign(r, environment, roots, surface)]
    left_out = {r.record.id for r in foreign}
    return replace(
        history,
        records=tuple(r for r in history.records if r.record.id not in left_out),
        rejected=(*history.rejected, *(_rejected(r, environment) for r in foreign)),
        dropped=(*history.dropped, *(r for r in foreign if _might_then(r, environment, roots))),
    )


def _is_foreign(run: Sequenced, environment: Environment, roots: Sequence[TrustRoot], surface: Digest) -> bool:
    record = run.record
    if restricts(record.type, record.predicate) and _might_then(run, environment, roots):
        return False
    roles = roots[-1].roles_of(record.principal, record.agent, environment.id)
    return ROLE_OF["evidence"] not in roles and record.statement.digest_of(SURFACE_SUBJECT) == surface


def _might_then(run: Sequenced, environment: Environment, roots: Sequence[TrustRoot]) -> bool:
    """Whether the signer might attest for an environment when the run was sequenced; where it was signed for, always.

    It verified there: by the newest root, or by the one of then.
    """
    if run.record.environment == environment.id:
        return True
    then = [r for r in roots if run.at is not None and r.issued_unix <= run.at][-1:]
    signers = ((r, r.principal_of(run.record.keyid)) for r in then)
    return any(p and ROLE_OF["evidence"] in r.roles_of(p.id, run.record.agent, environment.id) for r, p in signers)


def _rejected(sequenced: Sequenced, environment: Environment) -> Rejected:
    record = sequenced.record
    where = "inbox" if sequenced.seq is None else f"ledger entry {sequenced.seq}"
    message = f"{record.principal} doesn't hold role {record.role} for {record.agent} in {environment.id}"
    return Rejected(record.type, record.id, where, ROLE_NOT_GRANTED.code, message)
