"""Which bundle and which engines decide, and putting one request to them."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.archive import decompress
from bspec_opa.bundle.index import expected_rules
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.selection import FLOOR, judged_tier
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.checkout import checkout_around, lies_in
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES
from bspec_opa.gate.verdict import Expectation, RuleFacts, judge
from bspec_opa.workflow.checkout.config import ENGINES, is_shipped_name
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.reasons import ASSURANCE, CONFIG_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.engine.embedded import EmbeddedEngine
    from bspec_opa.engine.interface import Answer, EngineFacts, OpenEngine
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.gate.decision import Decision
    from bspec_opa.gate.verdict import Waives
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.config import Config

EMBEDDED, MANAGED, REST = ENGINES
ASSERTED, MEASURED, CROSS_CHECKED = "asserted", "measured", "cross-checked"


@dataclass(frozen=True, slots=True)
class Policy:
    """A bundle that was read and checked, with its exact bytes for the archive of decisions."""

    bundle: Bundle
    archive: bytes
    ref: BundleRef

    @property
    def tar(self) -> bytes:
        """The uncompressed archive: what the bundle's digest is over."""
        return decompress(self.archive)

    @property
    def unsigned(self) -> bytes:
        """The archive for an OPA of our own, without the signature: OPA would want a key, and it was checked here."""
        if self.bundle.signature is None:
            return self.archive
        from bspec_opa.bundle.signing.attach import detached

        return detached(self.bundle)


def load_policy(config: Config) -> Policy:
    """The configured bundle, or the shipped one.

    Raises:
        BspecError: it can't be read or is no policy bundle.
    """
    return read_policy(config.text("bundle.path") or "default")


def read_policy(bundle: str) -> Policy:
    """A bundle by file, or a shipped one by name.

    Raises:
        BspecError: it can't be read or is no policy bundle.
    """
    path = shipped_bundle(bundle) if is_shipped_name(bundle) else Path(bundle)
    return policy_of(read_bounded(path, MAX_BUNDLE_BYTES), path.name)


def policy_of(archive: bytes, file_name: str) -> Policy:
    """A policy from a bundle's bytes."""
    bundle = read_bundle(archive, file_name)
    name = file_name.removesuffix(".tar.gz")
    return Policy(bundle, archive, BundleRef(name, bundle.revision, bundle.digest))


@dataclass(frozen=True, slots=True)
class Panel:
    """The engine that is asked, and what its answer is worth: asserted, measured or cross-checked."""

    engine: OpenEngine
    assurance: str


@contextmanager
def open_panel(config: Config, policy: Policy, environment: Environment, environ: Mapping[str, str]) -> Iterator[Panel]:
    """The engines for an environment, by configuration and the trust root's demand.

    An engine that was asked for and fails is a failure, never a reason to ask another one. A sidecar that the
    checkout names is never believed alone, whatever the trust root accepts: otherwise whoever edits
    ``bspec-opa.toml`` would decide (attack A75). An OPA of our own runs the bundle that was checked here, whoever
    asks for it, and is as good as the embedded engine.

    Raises:
        EngineError: the environment demands more assurance than the configured engines give.
        UsageError: the configuration contradicts itself.
    """
    url, name = config.text("engine.url"), config.text("engine.name")
    if name == REST and url is None:
        raise CONFIG_VALUE.error("engine rest has no URL", hint="give --opa-url")
    if name == MANAGED and url is not None:
        message = "engine managed starts an OPA of its own, and engine.url names another"
        raise CONFIG_VALUE.error(message, hint="leave out one of them")
    with ExitStack() as stack:
        if name == MANAGED:
            first, worth = stack.enter_context(_managed(config, policy, environ)), MEASURED
        elif url is not None and name != EMBEDDED:
            first, worth = stack.enter_context(_sidecar(config, policy, url)), ASSERTED
        elif environment.assurance != CROSS_CHECKED:
            yield Panel(stack.enter_context(_embedded(policy, environ, config.place)), MEASURED)
            return
        else:
            message = f"{environment.id} demands cross-checked decisions"
            raise ASSURANCE.error(message, hint="configure engine.url, or engine managed")
        if _suffices(worth, environment, config):
            yield Panel(first, worth)
        else:
            from bspec_opa.engine.crosscheck import CrossChecked

            embedded = stack.enter_context(_embedded(policy, environ, config.place))
            yield Panel(CrossChecked(first, embedded), CROSS_CHECKED)


def _suffices(worth: str, environment: Environment, config: Config) -> bool:
    """Whether an OPA's answer counts without the embedded engine's."""
    if worth == MEASURED:
        return environment.assurance != CROSS_CHECKED
    return environment.assurance == ASSERTED and "engine.url" not in config.from_checkout


@contextmanager
def open_replay(policy: Policy, environ: Mapping[str, str], place: Path = Path()) -> Iterator[Panel]:
    """The embedded engine alone, for replaying a recorded decision."""
    with _embedded(policy, environ, place) as engine:
        yield Panel(engine, MEASURED)


def _embedded(policy: Policy, environ: Mapping[str, str], place: Path) -> EmbeddedEngine:
    """Compiled code is kept outside of what is judged only: in a checkout it could have been committed (A75)."""
    from bspec_opa.engine.code_cache import CodeCache, cache_directory
    from bspec_opa.engine.embedded import EmbeddedEngine

    directory = cache_directory(environ)
    return EmbeddedEngine(
        policy.bundle.wasm,
        policy.bundle.data,
        revision=policy.ref.revision,
        bundle_digest=policy.ref.digest,
        cache=CodeCache(directory, untrusted=untrusted(place, environ)) if directory else None,
    )


def untrusted(place: Path, environ: Mapping[str, str]) -> Path | None:
    """The checkout that is judged: nothing in it is run, no program and no compiled code (attack A75)."""
    return checkout_around(place, environ.get("HOME", ""))


def exposed(config: Config, environ: Mapping[str, str]) -> tuple[bool, ...]:
    """Which of the places that code is run from lie in the checkout that is judged.

    Engines may be shared by intents of several checkouts only where this is the same: what may be run beside one of
    them may have been committed into the other.
    """
    from bspec_opa.engine.code_cache import cache_directory

    outside, cache = untrusted(config.place, environ), cache_directory(environ)
    places = [cache] if cache else []
    if config.text("engine.name") == MANAGED:
        places += [Path(p) for p in environ.get("PATH", "").split(os.pathsep) if p]
    return tuple(outside is not None and lies_in(place, outside) for place in places)


def _managed(config: Config, policy: Policy, environ: Mapping[str, str]) -> OpenEngine:
    """Never a program that lies in the checkout: whoever edits that would decide (attack A75)."""
    from bspec_opa.engine.managed import ManagedEngine
    from bspec_opa.engine.toolchain import find_opa

    return ManagedEngine(
        find_opa(environ, None, untrusted=[untrusted(config.place, environ)]),
        policy.unsigned,
        revision=policy.ref.revision,
        bundle_digest=policy.ref.digest,
        environ=environ,
        deadline_s=config.deadline_s,
    )


def _sidecar(config: Config, policy: Policy, url: str) -> OpenEngine:
    from bspec_opa.engine.rest import RestEngine

    return RestEngine(
        url,
        revision=policy.ref.revision,
        bundle_name=config.text("engine.bundle_name") or "bspec",
        ca=config.path("engine.ca"),
        cert=config.path("engine.cert"),
        key=config.path("engine.key"),
        token_file=config.path("engine.token_file"),
        deadline_s=config.deadline_s,
        exported=config.text("bundle.path") or "default",
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A checked decision, who took it, what a person should know about them, and the answer as it came."""

    decision: Decision
    engines: tuple[EngineFacts, ...]
    notes: tuple[str, ...]
    answer: JsonValue


def ask(panel: Panel, policy: Policy, request: JsonObject) -> Verdict:
    """Put one request to the engines and read the answer.

    Raises:
        EngineError: no usable answer.
        TrustError: another bundle decided.
    """
    expected = expectation(policy, request)
    answer: Answer = panel.engine.decide(request)
    return Verdict(judge(answer.decision, expected), answer.facts, panel.engine.notes, answer.decision)


def expectation(policy: Policy, request: JsonObject) -> Expectation:
    """What the answer to a request must show."""
    bundle = policy.bundle
    wanted = _wanted(_Same(bundle), str(request["environment"]), str(request["action"]), judged_tier(request))
    return Expectation(
        nonce=str(request["nonce"]),
        revision=bundle.revision,
        data_digest=bundle.data_digest,
        global_rules=wanted.global_rules,
        promotion_rules=wanted.promotion_rules,
        rules=wanted.facts,
        waivers=waives(request),
    )


def waives(request: JsonObject) -> frozenset[Waives]:
    """What the waivers of a request name; they were verified when it was made."""
    waivers = cast("list[dict[str, str]]", request["waivers"])
    return frozenset((w["id"], w["rule"], w["path"], w["msg"]) for w in waivers)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """One bundle in memory: equal to nothing but itself, whatever another one says about itself."""

    bundle: Bundle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.bundle is self.bundle

    def __hash__(self) -> int:
        return id(self.bundle)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What has to answer at one tier of one environment; the same for every intent there."""

    global_rules: frozenset[str]
    promotion_rules: frozenset[str]
    facts: Mapping[str, RuleFacts]


@lru_cache(maxsize=64)
def _wanted(same: _Same, environment: str, action: str, tier: str) -> _Wanted:
    bundle = same.bundle
    rules = expected_rules(bundle.index, bundle.organisation, environment, action, tier)
    facts = {r.id: RuleFacts(r.severity, r.waivable and r.id not in FLOOR, r.pending) for r in bundle.index.rules}
    return _Wanted(*rules, facts)
