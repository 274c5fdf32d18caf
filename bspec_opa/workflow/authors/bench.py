"""``policy bench``: builds the project's policies, loads them into an OPA of our own, and measures rule by rule."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from bspec_opa.authoring.bench.inputs import fixture_inputs, read_inputs
from bspec_opa.authoring.bench.measuring import DECISION, Costs, measure, measure_decisions
from bspec_opa.authoring.reasons import BENCH_INPUT
from bspec_opa.bundle.build.building import build_bundle
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.engine.address import parse_address
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.kept_opa import KeptOpa
from bspec_opa.engine.reasons import BAD_REPLY
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.engine.transport import Transport
from bspec_opa.foundation.limits import MANAGED_MEMORY_BYTES, MANAGED_START_S, MAX_REPLY_BYTES
from bspec_opa.workflow.authors.policies import find_policies
from bspec_opa.workflow.bundles.bundling import PROJECT_TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.checkout.config import Value

DEADLINE_S = 60.0
"""For one evaluation, seconds: a slow rule is what is looked for."""
QUERY = "metrics=true&strict-builtin-errors=true"
EVALUATION = "timer_rego_query_eval_ns"


def bench_policies(
    path: Path | None,
    environ: Mapping[str, str],
    given: Mapping[str, Value | None],
    inputs: Sequence[Path],
    repeat: int,
) -> tuple[Bundle, Costs]:
    """The composed bundle, and what each of its rules costs.

    Raises:
        BspecError: the policies or inputs are refused; no OPA of the exact version, or it can't be used.
    """
    read = read_inputs(inputs) if inputs else {}
    authored = find_policies(path, environ, given)
    program = find_opa(environ, PROJECT_TOOLS.absolute())
    opa = Opa(program)
    archive = build_bundle(authored.path, None, opa, authored.foundation)
    bundle = read_bundle(archive, str(authored.path))
    on = read or fixture_inputs(opa)
    kept = KeptOpa(program, archive, environ=environ, start_s=MANAGED_START_S, memory_bytes=MANAGED_MEMORY_BYTES)
    with closing(kept), closing(_transport(kept.path)) as transport:

        def ask(document: str, body: bytes) -> int:
            reply = transport.post(f"/v1/data/{quote(document)}?{QUERY}", body, {"Content-Type": "application/json"})
            return _nanoseconds(reply.body, document)

        costs = measure(bundle.index.rules, on, ask, repeat)
    return bundle, replace(costs, embedded_ns=_embedded(bundle, on, repeat))


def _embedded(bundle: Bundle, inputs: Mapping[str, JsonObject], repeat: int) -> int:
    """A whole decision in the embedded engine, which has no measure of its own."""
    engine = EmbeddedEngine(bundle.wasm, bundle.data, revision=bundle.revision, bundle_digest=bundle.digest)
    with engine:

        def decide(request: JsonObject) -> int:
            before = time.perf_counter_ns()
            engine.decide(request)
            return time.perf_counter_ns() - before

        return measure_decisions(inputs, decide, repeat)


def _transport(socket: Path) -> Transport:
    address = parse_address(f"unix://{socket}")
    return Transport(address, context=None, deadline_s=DEADLINE_S, reply_bytes=MAX_REPLY_BYTES)


def _nanoseconds(body: bytes, document: str) -> int:
    """The time of a reply; an undefined document was not evaluated, and proves nothing."""
    try:
        reply = json.loads(body)
        if "result" in reply:
            return int(reply["metrics"][EVALUATION])
    except (ValueError, KeyError, TypeError):
        pass
    if document == DECISION:
        message = "an input gets no decision: the organisation's data doesn't know its environment, or selects no rule"
        raise BENCH_INPUT.error(message, hint="give others: --input")
    raise BAD_REPLY.error(f"OPA has no value for {document}", hint="run bspec-opa policy test first")
