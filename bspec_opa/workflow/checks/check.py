"""The global rules over intents, on a laptop: no record, trust root, environment or sidecar.

What is found is advice to an author. It binds nobody: the gate decides again, with everything.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.gate.request import NONCE_BYTES
from bspec_opa.workflow.checkout.deciding import ask, exposed, load_policy, open_replay
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.decision_logs.writing import Decided, log_decision
from bspec_opa.workflow.facts.checked import BUNDLE, Asked, Checked, CheckedRule, Found
from bspec_opa.workflow.facts.spot import lasting_path, spot_of
from bspec_opa.workflow.normalize import check_request_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.workflow.checkout.config import Config
    from bspec_opa.workflow.checkout.deciding import Panel, Policy
    from bspec_opa.workflow.checkout.world import World


class CheckDesk:
    """Checks one intent after the other, keeping bundles and engines open."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self._open: dict[tuple[str, tuple[bool, ...]], _Opened] = {}

    def check(self, file: Path) -> Asked:
        """Put one intent to the global rules of its project's bundle, on the embedded engine.

        Raises:
            InvalidInputError: no valid intent, or the bundle's selectors leave no rule.
            TrustError: the bundle is none.
            EngineError: no usable answer, or the bundle has no global rule that runs.
        """
        loaded = open_intent(file)
        config = find_project(file, self._world.environ, self._world.flags).config
        opened = self._opened(config)
        policy, panel = opened.policy, opened.panel
        request = check_request_of(loaded, self._world.now)
        asked: JsonObject = {**request, "nonce": secrets.token_hex(NONCE_BYTES)}
        verdict = ask(panel, policy, asked)
        decision = verdict.decision
        log_decision(config, policy, Decided(asked, verdict, decision, panel.assurance, self._world.now))
        rules = tuple(_with_findings(loaded.document, opened.quiet[r.id], r) for r in decision.rules)
        metadata = loaded.intent.metadata
        checked = Checked(str(file), metadata.id, metadata.version, policy.ref, rules)
        return Asked(checked, request, loaded.document.source.text)

    def _opened(self, config: Config) -> _Opened:
        same = (config.text("bundle.path") or "", exposed(config, self._world.environ))
        if same not in self._open:
            policy = load_policy(config)
            panel = self._stack.enter_context(open_replay(policy, self._world.environ, config.place))
            self._open[same] = _Opened(policy, panel, {r.id: _quiet(r) for r in policy.bundle.index.rules})
        return self._open[same]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A bundle and its engine, and each of its rules as it is when it finds nothing: most are, in most intents."""

    policy: Policy
    panel: Panel
    quiet: Mapping[str, CheckedRule]


@contextmanager
def open_check_desk(world: World) -> Iterator[CheckDesk]:
    """A desk; what it has opened is given back at the end."""
    with ExitStack() as stack:
        yield CheckDesk(world, stack)


def _quiet(entry: RuleEntry) -> CheckedRule:
    return CheckedRule(
        id=entry.id,
        origin=BUNDLE,
        code=entry.code,
        title=entry.title,
        description=entry.description,
        severity=entry.severity,
        remediation=entry.remediation,
        controls=entry.controls,
    )


def _with_findings(document: Document, quiet: CheckedRule, outcome: RuleOutcome) -> CheckedRule:
    if not outcome.denied and not outcome.warned:
        return quiet
    denied = _found(document, outcome.denied, outcome.pending)
    return replace(quiet, denied=denied, warned=_found(document, outcome.warned))


def _found(document: Document, findings: Iterable[Finding], pending: tuple[Finding, ...] = ()) -> tuple[Found, ...]:
    return tuple(
        Found(
            f.message,
            f.path,
            spot_of(document, f.path),
            lasting_path(document.value, f.path),
            pending=f in pending,
        )
        for f in findings
    )
