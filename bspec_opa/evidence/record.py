"""The predicate of an evidence record, as far as it comes from a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.evidence.result import EvaluationResult
    from bspec_opa.foundation.canonical import JsonObject


def evidence_predicate(result: EvaluationResult, environment: str) -> JsonObject:
    """The members of ``urn:bspec-opa:evidence:v1`` that are its own; the common ones are the workflow's to add.

    Args:
        result: what the harness reported.
        environment: the environment that the evaluation was run for; told to people, not part of the pooling.
    """
    return {
        "environment": environment,
        "question": result.question,
        "method": result.method,
        "counts": dict(result.counts),
        "probes": [dict(p) for p in result.probes],
        "observed_tools": [*result.observed_tools],
        "dataset": dict(result.dataset),
        "harness": dict(result.harness),
        "raw_log": {"digest": result.raw_log},
        "started": result.started,
        "finished": result.finished,
    }
