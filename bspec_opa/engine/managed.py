"""An OPA server that we start, ask over a private socket, and stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.rego.opa_tool import OPA_VERSION as REQUIRED
from bspec_opa.engine.interface import DECISION_PATH, Answer, Closing, EngineFacts
from bspec_opa.engine.keeper import BUNDLE_NAME
from bspec_opa.engine.kept_opa import KeptOpa
from bspec_opa.engine.reasons import OPA_VERSION, UNREACHABLE
from bspec_opa.engine.rest import RestEngine
from bspec_opa.engine.toolchain import REMEDY
from bspec_opa.foundation.errors import EngineError
from bspec_opa.foundation.limits import ENGINE_DEADLINE_S, MANAGED_MEMORY_BYTES, MANAGED_START_S

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest


class ManagedEngine(Closing):
    """Decides by asking an OPA of our own. Threads take turns; a forked child can't ask.

    The answer counts as measured, not as echoed: we chose the program and wrote the very bytes that it loaded into a
    directory that is ours alone; it reads them once, we waited until it had; and nobody else can listen on
    the socket there. That leaves root and our own user, who could as well change this process.

    OPA has an empty environment, a private working directory and no other plugin than the one bundle. It checks the
    bundle against our list of builtins before it serves it, so no policy reaches a network (attack A69). It ends
    with this engine on every path, ``kill -9`` included: see ``keeper``.

    Args:
        opa: the program, as ``toolchain.find_opa`` gives it; an answer of another version is refused.
        archive: the bundle's bytes, which the caller has verified.
        revision: of the bundle.
        bundle_digest: of the bundle's bytes.
        environ: the process's environment, for the place of the private directory.
        deadline_s: seconds for one decision.
        start_s: seconds until OPA has to be ready.
        memory_bytes: the most memory that OPA gets, on Linux; if it needs more it ends, and so does the engine.
        decision_path: the rule to ask for.

    Raises:
        EngineError: OPA doesn't start, refuses the bundle or isn't ready in time.
    """

    def __init__(
        self,
        opa: Path,
        archive: bytes,
        *,
        revision: str,
        bundle_digest: Digest,
        environ: Mapping[str, str],
        deadline_s: float = ENGINE_DEADLINE_S,
        start_s: float = MANAGED_START_S,
        memory_bytes: int = MANAGED_MEMORY_BYTES,
        decision_path: str = DECISION_PATH,
    ) -> None:
        self._facts = EngineFacts("managed", REQUIRED, revision, bundle_digest, "measured")
        self._opa = KeptOpa(opa, archive, environ=environ, start_s=start_s, memory_bytes=memory_bytes)
        try:
            self._rest = RestEngine(
                f"unix://{self._opa.path}",
                revision=revision,
                bundle_name=BUNDLE_NAME,
                deadline_s=deadline_s,
                decision_path=decision_path,
                kind="managed",
            )
        except BaseException:  # an interrupt, too, must not leave OPA behind
            self._opa.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """None so far."""
        return self._rest.notes

    def decide(self, request: JsonObject) -> Answer:
        """Put one request to OPA.

        Raises:
            EngineError: no usable answer, an OPA of another version, or OPA has ended.
            TrustError: OPA has another bundle revision.
        """
        try:
            answer = self._rest.decide(request)
        except EngineError as e:
            ended = self._opa.ended() if e.code == UNREACHABLE.code else None
            if ended is None:
                raise
            self._opa.close()
            raise ended from None
        version = answer.facts[0].version
        if version != REQUIRED:
            raise OPA_VERSION.error(f"OPA {REQUIRED} is needed; the one that answered is {version}", hint=REMEDY)
        return Answer(answer.decision, (self._facts,))

    def close(self) -> None:
        """Stop OPA and remove its directory."""
        try:
            self._rest.close()
        finally:
            self._opa.close()
