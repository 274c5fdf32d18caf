"""Deciding one recorded input with two bundles, on the embedded engine."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.workflow.checkout.deciding import open_replay, read_policy
from bspec_opa.workflow.impact.compared import Compared, changes_of, side_of
from bspec_opa.workflow.recorded.again import decide_again, waivers_of
from bspec_opa.workflow.recorded.inputs import agent_of, read_input
from bspec_opa.workflow.recorded.reasons import NOT_REPRODUCED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.gate.decision import Decision
    from bspec_opa.workflow.checkout.deciding import Panel, Policy
    from bspec_opa.workflow.impact.inputs import Item

Digests = dict[str, str]
"""Rule id to the digest of its source."""


@dataclass(frozen=True, slots=True)
class Task:
    """What each process needs to know.

    Attributes:
        against: the current bundle: a file, or a shipped one's name.
        candidate: the bundle that would take its place.
        objects: where the ledger's inputs lie.
        mandatory: environment to the rules that the trust root demands there.
        environ: for the code cache.
        place: the checkout that is judged.
    """

    against: str
    candidate: str
    objects: Path
    mandatory: Mapping[str, tuple[str, ...]]
    environ: Mapping[str, str]
    place: Path


@contextmanager
def comparing(task: Task) -> Iterator[Callable[[Item], Compared]]:
    """What one process does with each input; it keeps both engines open between them."""
    with ExitStack() as stack:
        policies = read_policy(task.against), read_policy(task.candidate)
        panels = [stack.enter_context(open_replay(p, task.environ, task.place)) for p in policies]
        before, after = (_Bundle(p, panel) for p, panel in zip(policies, panels, strict=True))
        yield _Desk(task, before, after).compare


@dataclass(frozen=True, slots=True)
class _Bundle:
    policy: Policy
    panel: Panel

    @property
    def digests(self) -> Digests:
        return {r.id: r.digest for r in self.policy.bundle.index.rules}

    def decide(self, request: JsonObject, mandatory: tuple[str, ...]) -> Decision:
        return decide_again(request, self.policy, mandatory, self.panel)


@dataclass(frozen=True, slots=True)
class _Desk:
    task: Task
    before: _Bundle
    after: _Bundle

    def compare(self, item: Item) -> Compared:
        """One input under both bundles.

        Raises:
            InvalidInputError: it is no input, or one of the bundles does not know its environment.
            TrustError: an object of the ledger is missing or altered, or decides otherwise than was recorded.
            EngineError: no usable answer.
        """
        if item.error is not None:
            raise item.error
        request, given = self._request(item)
        mandatory = self.task.mandatory.get(str(request["environment"]), ())
        old, void_before = _without_void(request, given, self.before.digests)
        new, void_after = _without_void(request, given, self.after.digests)
        before, after = self.before.decide(old, mandatory), self.after.decide(new, mandatory)
        self._require_reproduced(item, before)
        agent, version = agent_of(request)
        return Compared(
            item.name,
            agent,
            version,
            str(request["environment"]),
            item.at,
            side_of(before),
            side_of(after),
            changes_of(before, after),
            tuple(sorted(set(void_after) - set(void_before))),
        )

    def _request(self, item: Item) -> tuple[JsonObject, Digests]:
        """The input, and the sources of the rules that its waivers were given for."""
        if item.recorded is None:
            return read_input(read_bounded(Path(item.name), MAX_IMPORT_BYTES), item.name), self.before.digests
        objects = ObjectStore(self.task.objects)
        request = item.recorded.request(objects)
        if not request["waivers"]:
            return request, {}
        return request, {r.id: r.digest for r in item.recorded.policy(objects).bundle.index.rules}

    def _require_reproduced(self, item: Item, decision: Decision) -> None:
        """The very bundle that decided must say what it said: anything else is no basis to compare on."""
        recorded = item.recorded
        ref = self.before.policy.ref
        if recorded is None or _bundle_of(recorded.predicate) != (ref.revision, ref.digest):
            return
        if decision.statuses() != recorded.statuses():
            raise NOT_REPRODUCED.error(
                "deciding again gives another outcome than it records",
                hint="run bspec-opa verify",
                at=Location(item.name),
            )


def _bundle_of(predicate: dict[str, Any]) -> tuple[str, Digest]:
    bundle = predicate["bundles"][0]
    return bundle["revision"], bundle["digest"]


def _without_void(
    request: JsonObject, given: Digests, now: Digests
) -> tuple[JsonObject, list[tuple[str, str]]]:  # fmt: skip
    """The input without the waivers of rules that have another source than when they were given, and those."""
    void = [(str(w["id"]), str(w["rule"])) for w in waivers_of(request) if given.get(w["rule"]) != now.get(w["rule"])]
    kept = [w for w in waivers_of(request) if (str(w["id"]), str(w["rule"])) not in void]
    return {**request, "waivers": cast("Any", kept)}, void
