"""One lock line against the records in the ledger: its facts rebuilt, its claims compared, its decision replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.binding.read import binding_from_json
from bspec_opa.bundle.archive import compress
from bspec_opa.bundle.reasons import NOT_ACCEPTED
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location, TrustError
from bspec_opa.foundation.times import format_time
from bspec_opa.gate.floor import with_floor
from bspec_opa.gate.request import REPLAY_NONCE, build_request, input_digest
from bspec_opa.lock.line import ROLLBACK, artifact_subjects, line_subjects
from bspec_opa.trust.authority import INTENT_SUBJECT
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.trust.revocation import COMPROMISED
from bspec_opa.workflow.checkout.accepting import accepted
from bspec_opa.workflow.checkout.deciding import ASSERTED, CROSS_CHECKED, MEASURED, ask, open_replay, policy_of
from bspec_opa.workflow.checkout.reviewed import stored_differences
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.adopting import adopted_by, own_adoption
from bspec_opa.workflow.facts.evaluators import counting_in
from bspec_opa.workflow.facts.given import Given
from bspec_opa.workflow.facts.lines import going_back
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.facts.rolling import Wanted, rollback_to
from bspec_opa.workflow.facts.situation import assemble, change_recorded
from bspec_opa.workflow.facts.waivers import terms_of
from bspec_opa.workflow.life.rebuilding import adopting_environment, check_adoption
from bspec_opa.workflow.reasons import FACTS_DIFFER, REPLAY_DIFFERS, WEAK_ASSURANCE
from bspec_opa.workflow.verifying.past import STOLEN, Past
from bspec_opa.workflow.verifying.stored import require_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.signing.verify import Verified
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.rolling import Rollback
    from bspec_opa.workflow.facts.situation import Situation

_WORTH = (ASSERTED, MEASURED, CROSS_CHECKED)
_EMBEDDED, _MANAGED, _SIDECAR = ("embedded", "measured"), ("managed", "measured"), ("rest", "echoed")
_ENGINES = {
    ASSERTED: ([_SIDECAR],),
    MEASURED: ([_EMBEDDED], [_MANAGED]),
    CROSS_CHECKED: ([_EMBEDDED, _SIDECAR], [_EMBEDDED, _MANAGED]),
}
"""Assurance to the engines that give it, and how they know their bundle; one engine twice agrees with itself."""


def rebuild(past: Past) -> int:
    """Demand that the line follows from the ledger's records; returns how many rules were replayed.

    Raises:
        TrustError: with the one reason.
    """
    require_stored(past)
    recorded = _recorded_input(past)
    request, situation = _rebuild(past, recorded)
    _check_claims(past, situation, recorded)
    _check_binding(past, situation)
    _check_assurance(past)
    return _replay(past, request)


def _recorded_input(past: Past) -> JsonObject:
    """The stored input; it must be a complete one, and of the moment at which the line was sequenced."""
    data = past.objects.get(past.predicate["input_digest"])
    recorded = parse_json(data, "recorded input", text=False)
    now = past.entry.at
    moments = {past.predicate["now"], past.predicate["signed_at"]}
    if not isinstance(recorded, dict) or recorded.get("now_unix") != now or moments != {format_time(now)}:
        raise FACTS_DIFFER.error("was not decided when it was sequenced", hint=STOLEN, at=Location(past.at))
    return recorded


def _rebuild(past: Past, recorded: JsonObject) -> tuple[JsonObject, Situation]:
    """The input that the line must have been decided on, from the ledger as it was then."""
    now, objects = past.entry.at, past.objects
    intent = stored_intent(objects, cast("Digest", past.record.statement.digest_of(INTENT_SUBJECT)))
    adopted = own_adoption(past.record)
    environment = past.environment if adopted is None else adopting_environment(past)
    history = read_history(past.before, past.roots, past.record.agent, now)
    ended = history.withdrawals.retired.get(environment.id)
    if ended is not None:
        message = f"was decided although the agent was {ended.said}"
        raise FACTS_DIFFER.error(message, hint=STOLEN, at=Location(past.at))
    situation = assemble(
        Given(
            loaded=intent,
            environment=environment,
            binding=binding_from_json(past.predicate["binding"]),
            history=counting_in(history, environment, past.roots, intent.surface_digest),
            now=now,
            read_intent=lambda digest: stored_intent(objects, digest),
            delegates=_delegates(past, intent),
            rollback=_rollback(past, history),
            terms=lambda: terms_of(_policy(past, past.predicate["bundles"][0])[0].bundle, past.roots[-1]),
            adopting=adopted is not None,
        )
    )
    if adopted is not None:
        check_adoption(past, situation, adopted)
    # What catalogs withdrew and what did not count came from outside the ledger; both can only deny.
    outside = {name: cast("list[JsonValue]", recorded.get(name, [])) for name in ("withdrawn", "rejected")}
    facts = replace(situation.facts, withdrawn=outside["withdrawn"], rejected=outside["rejected"])
    request = build_request(facts, REPLAY_NONCE)
    if input_digest(request) != past.predicate["input_digest"]:
        different = sorted(k for k in request if k != "nonce" and request[k] != recorded.get(k))
        raise FACTS_DIFFER.error(
            f"the ledger's records do not give what it was decided on: {', '.join(different)}",
            hint=STOLEN,
            at=Location(past.at),
        )
    return request, situation


def _rollback(past: Past, history: History) -> Rollback | None:
    """What a rollback went back to, found again among the lines before it."""
    if past.record.type != ROLLBACK:
        return None
    wanted = Wanted(past.predicate["target_line"], past.predicate["emergency"])
    try:
        return rollback_to(history, past.environment.id, wanted)
    except BspecError as e:
        message = f"it goes back where no rollback could: {e.problems[0].message}"
        raise FACTS_DIFFER.error(message, hint=STOLEN, at=Location(past.at)) from e


def _delegates(past: Past, intent: LoadedIntent) -> frozenset[str]:
    def current(agent: str) -> bool:
        history = read_history(past.before, past.roots, agent, past.entry.at)
        return history.standing(past.environment.id) is not None

    return frozenset(a for a in intent.intent.constraints.delegation if current(a))


def _check_claims(past: Past, situation: Situation, recorded: JsonObject) -> None:
    """What the line says besides the input must follow from the same facts."""
    predicate, loaded, binding = past.predicate, situation.given.loaded, situation.binding
    adopted = own_adoption(past.record)
    request = situation.request
    bound = binding.to_json() if binding else {}
    wanted: JsonObject = {
        "base": situation.base,
        "source": situation.source,
        "surface_digest": loaded.surface_digest,
        "schema": loaded.intent.schema_,
        "schema_digest": loaded.schema_digest,
        "binding": bound,
        "change": change_recorded(situation.change),
        "submits": [*situation.submits],
        "approvals": [*situation.approvals],
        "evidence": [*situation.evidence],
        "reviews": [*situation.reviews],
        "rejected": recorded["rejected"],
        "request": request.id if request else None,
        "view": situation.view_digest,
        **going_back(situation),
        "adopted": [*adopted_by(situation, Digest(adopted.deployed) if adopted else None)],
    }
    different = sorted(k for k, v in wanted.items() if predicate[k] != v)
    artifacts = artifact_subjects(binding) if binding else ()
    if set(past.record.statement.subjects) != set(line_subjects(loaded.digest, bound, artifacts)):
        different.append("subjects")
    if different:
        raise FACTS_DIFFER.error(
            f"it claims what the ledger's records do not give: {', '.join(different)}",
            hint=STOLEN,
            at=Location(past.at),
        )


def _check_binding(past: Past, situation: Situation) -> None:
    """What is bound must be what the catalog entries say that were read for it."""
    binding, loaded = situation.binding, situation.given.loaded
    different = stored_differences(loaded, binding, past.objects) if binding else []
    if different:
        raise FACTS_DIFFER.error(
            f"it binds what the catalog entries do not give: {'; '.join(different)}",
            hint=STOLEN,
            at=Location(past.at),
        )


def _check_assurance(past: Past) -> None:
    """The decision was worth what the environment demanded then, and its engines give what it claims."""
    decision = past.predicate["decision"]
    engines, bundle = decision["engines"], past.predicate["bundles"][0]
    claimed, demanded = decision["assurance"], past.environment.assurance
    fitting = all(
        e["revision"] == bundle["revision"] and e["bundle_digest"] == (bundle["digest"] if p == "measured" else "")
        for e in engines
        for p in [e["provenance"]]
    )
    enough = _WORTH.index(claimed) >= _WORTH.index(demanded)
    there = sorted((e["kind"], e["provenance"]) for e in engines)
    if not enough or not fitting or there not in _ENGINES[claimed]:
        raise WEAK_ASSURANCE.error(
            f"its decision is {claimed}, {past.environment.id} demanded {demanded}, and its engines don't bear it out",
            hint="promote again with the engines that the environment demands",
            at=Location(past.at),
        )


def _replay(past: Past, request: JsonObject) -> int:
    """Decide again in the embedded engine, on the recorded bundle; returns how many rules ran."""
    environment, bundles = past.environment, past.predicate["bundles"]
    if len(bundles) != 1:
        raise REPLAY_DIFFERS.error("it names more than one bundle", hint=STOLEN, at=Location(past.at))
    policy, _ = _policy(past, bundles[0])
    # The objects lie in <project>/.bspec/objects.
    with open_replay(policy, past.environ, past.objects.directory.absolute().parents[1]) as panel:
        verdict = ask(panel, policy, request)
    decision = with_floor(verdict.decision, cast("dict[str, Any]", request), environment.mandatory_rules)
    recorded = past.predicate["decision"]["rules"]
    statuses = {r["id"]: r["status"] for r in recorded}
    same = decision.statuses() == statuses and [*decision.waivers] == past.predicate["waivers"]
    if not decision.allowed or not same or len(recorded) != len(statuses):
        raise REPLAY_DIFFERS.error(
            "deciding again gives another outcome than it records", hint=STOLEN, at=Location(past.at)
        )
    return len(statuses)


def require_publisher(past: Past, force: TrustRoot, *, compromised: bool = False) -> None:
    """Demand that a root does not revoke the key of the publisher whose signature made a line's bundle acceptable.

    A key that is revoked from a later place on was good for this line.

    Args:
        past: the line.
        force: whose revocations hold.
        compromised: whether only keys in other hands matter.

    Raises:
        TrustError: it does.
    """
    _, found = _policy(past, past.predicate["bundles"][0])
    revocation = force.revocation("key", found.publisher.key.fingerprint, past.entry.seq) if found else None
    if revocation is not None and (revocation.mode == COMPROMISED or not compromised):
        message = f"trust root version {force.version} revokes the key that signed its bundle: {revocation.reason}"
        raise REVOKED.error(message, hint="promote again with a bundle that is accepted", at=Location(past.at))


def _policy(past: Past, bundle: Mapping[str, str]) -> tuple[Policy, Verified | None]:
    """The recorded bundle, which the root of that time must accept at that time, by digest or by a publisher's key."""
    tar = past.objects.get(Digest(bundle["digest"]))
    policy = policy_of(compress(tar), f"{bundle['name']}.tar.gz")
    try:
        if policy.ref.revision != bundle["revision"]:
            raise NOT_ACCEPTED.error("it has another revision")
        found = accepted(policy, past.roots[-1], past.environment.id, past.entry.at)
    except TrustError as e:
        why = e.problems[0].message
        message = f"the bundle that decided was not accepted: {why}"
        raise REPLAY_DIFFERS.error(message, hint=STOLEN, at=Location(past.at)) from e
    return policy, found


def publisher_key(past: Past) -> str:
    """The fingerprint of the key whose signature made a line's bundle acceptable; empty where the root lists it.

    Raises:
        TrustError: the bundle is missing or was not accepted.
    """
    _, found = _policy(past, past.predicate["bundles"][0])
    return found.publisher.key.fingerprint if found else ""
