"""One decision on the shipped bundle: through each engine, and the whole gate around it, against a raw POST."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.measure import compare, timed
from benchmarks.servers import OPA, RAW, opa_server, raw_post
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.managed import ManagedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.gate.request import check_request
from bspec_opa.gate.verdict import judge
from bspec_opa.workflow.checkout.deciding import Policy, expectation, policy_of
from bspec_opa.workflow.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Figure
    from bspec_opa.foundation.canonical import JsonObject

NOW = 1_790_000_000


def embedded_engine(policy: Policy) -> EmbeddedEngine:
    """The policy in this process."""
    bundle = policy.bundle
    return EmbeddedEngine(bundle.wasm, bundle.data, revision=policy.ref.revision, bundle_digest=policy.ref.digest)


def decisions(rounds: int) -> list[Figure]:
    """The figures."""
    path = shipped_bundle()
    policy = policy_of(path.read_bytes(), path.name)
    request = probe_request("staging", NOW)
    reference = policy.ref
    with ExitStack() as stack:
        url = stack.enter_context(opa_server(path))
        rest = stack.enter_context(RestEngine(url, revision=reference.revision))
        embedded = stack.enter_context(embedded_engine(policy))
        managed = stack.enter_context(
            ManagedEngine(
                OPA,
                policy.archive,
                revision=reference.revision,
                bundle_digest=reference.digest,
                environ=os.environ,
            )
        )
        raw = timed(raw_post(url, json.dumps({"input": request}).encode()))

        def figure(name: str, ours: Callable[[], object], bound: float | None = None) -> Figure:
            return compare(name, RAW, ours=timed(ours), rival=raw, rounds=rounds, bound=bound)

        return [
            figure("decision through rest", lambda: rest.decide(request), 1.3),
            figure("decision through managed", lambda: managed.decide(request)),
            figure("decision through embedded", lambda: embedded.decide(request), 0.3),
            figure("whole gate through embedded", lambda: _gate(policy, embedded, request)),
        ]


def _gate(policy: Policy, engine: EmbeddedEngine, request: JsonObject) -> object:
    """What every decision of ours goes through: the input's check, the engine, the verdict."""
    check_request(request)
    return judge(engine.decide(request).decision, expectation(policy, request))
