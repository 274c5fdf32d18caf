"""Many intents: what they share is opened once, and each is judged as if it were alone.

A batch decides on one state of things: a bundle, trust root, ledger and inbox are read when the first intent needs
them, and not again.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.engine.patience import Patient
from bspec_opa.workflow.checkout.deciding import exposed, load_policy, open_panel
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import session_in
from bspec_opa.workflow.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.config import Config
    from bspec_opa.workflow.checkout.deciding import Panel, Policy
    from bspec_opa.workflow.checkout.place import Place
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.evaluation import Evaluation


class Desk:
    """Judges one intent after the other, keeping open what the next one may need."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self._policies: dict[str, Policy] = {}
        self._places: dict[Path, Place] = {}
        self._panels: dict[object, Panel] = {}

    def evaluate(self, file: Path, environment: str) -> tuple[Session, Evaluation]:
        """The whole gate for one intent; nothing is written.

        Raises:
            BspecError: as :func:`bspec_opa.workflow.evaluate.evaluate`.
        """
        loaded = open_intent(file)
        session = session_in(self._place(file), file, loaded)
        return session, evaluate(session, environment, self._panel)

    def _place(self, file: Path) -> Place:
        project = find_project(file, self._world.environ, self._world.flags)
        if project.root not in self._places:
            self._places[project.root] = open_place(project, self._policy(project.config), self._world)
        return self._places[project.root]

    def _policy(self, config: Config) -> Policy:
        name = config.text("bundle.path") or ""
        if name not in self._policies:
            self._policies[name] = load_policy(config)
        return self._policies[name]

    def _panel(
        self, config: Config, policy: Policy, environment: Environment, environ: Mapping[str, str]
    ) -> AbstractContextManager[Panel]:
        """The engines, opened once for all intents that would open the same."""
        engine = tuple(
            (k, v, k in config.from_checkout) for k, v in sorted(config.values.items()) if k[:7] == "engine."
        )
        same = (engine, exposed(config, environ), policy.ref, environment.id, environment.assurance)
        if same not in self._panels:
            panel = self._stack.enter_context(open_panel(config, policy, environment, environ))
            self._panels[same] = replace(panel, engine=Patient(panel.engine))
        return nullcontext(self._panels[same])


@contextmanager
def open_desk(world: World) -> Iterator[Desk]:
    """A desk; what it has opened is given back at the end."""
    with ExitStack() as stack:
        yield Desk(world, stack)
