"""``init``: everything a project needs, around an intent that may be there already; or one more agent in a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import make_directory, write_new
from bspec_opa.intent.load import load_intent
from bspec_opa.workflow.checkout.config import FILE_NAME
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.keys import generate_key, public_name
from bspec_opa.workflow.checkout.project import INTENT_NAME, STATE
from bspec_opa.workflow.starting import templates
from bspec_opa.workflow.starting.catalog_template import catalog_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bspec_opa.intent.load import LoadedIntent

TRUST_NAME = "trust.yaml"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was written and what was there already.

    Attributes:
        directory: the project, or the agent's place in it.
        intent: the intent's file.
        written: new files.
        kept: files that were there and were left alone.
        steps: what comes next: commands, and lines for ``trust.yaml``.
    """

    directory: Path
    intent: Path
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    steps: tuple[str, ...]


def scaffold(directory: Path, agent: str, tier: str, *, trial_keys: bool) -> Scaffold:
    """Write what is missing in a directory; nothing is overwritten.

    Args:
        directory: the project; created if it is missing.
        agent: the agent's id, for a new intent.
        tier: the risk tier, for a new intent.
        trial_keys: whether to make a key for every role here, for trying things out on one machine.

    Raises:
        InvalidInputError: the intent that is there has problems, or the id is no identifier.
        StoreError: a file can't be written.
    """
    text = templates.intent_template(agent, tier)
    intent_file, loaded = opened(directory, text)
    paths = {c.id: templates.component_path(c.id) for c in loaded.intent.components}
    files = {
        INTENT_NAME: text,
        FILE_NAME: templates.CONFIG,
        **shared_files(loaded),
        f"{STATE}/catalogs/{loaded.intent.metadata.id}.yaml": catalog_template(loaded.intent, paths),
        ".github/workflows/behavior.yml": templates.CI,
        **own_files(loaded, paths),
    }
    written, kept = write_missing({directory / name: content for name, content in files.items()})
    if trial_keys:
        written += make_keys(directory, people_of(loaded))
    return Scaffold(directory, intent_file, tuple(written), tuple(kept), _steps(directory, loaded, trial_keys))


def opened(directory: Path, text: str) -> tuple[Path, LoadedIntent]:
    """The intent that is there, else the one that will be.

    Raises:
        InvalidInputError: it has problems.
    """
    file = directory / INTENT_NAME
    return file, open_intent(file) if file.exists() else load_intent(text.encode(), str(file))


def shared_files(loaded: LoadedIntent) -> dict[str, str]:
    """What a project has once, however many agents there are in it."""
    metadata = loaded.intent.metadata
    return {
        TRUST_NAME: templates.trust_template(metadata.id, metadata.owner, approvers_of(loaded)),
        ".gitattributes": templates.GITATTRIBUTES,
        ".gitignore": templates.GITIGNORE,
    }


def own_files(loaded: LoadedIntent, components: Iterable[str]) -> dict[str, str]:
    """What each agent has for itself: these components, and results to fill in."""
    intent = loaded.intent
    files = {templates.component_path(c): templates.component_template(c, intent.purpose) for c in components}
    out_ids = tuple(o.id for o in intent.scope.out)
    for promotion in intent.promotion.values():
        for rule in promotion.evidence:
            name = f"results/{rule.question}-{rule.method}.json"
            files[name] = templates.result_template(rule.question, rule.method, out_ids)
    return files


def write_missing(files: Mapping[Path, str]) -> tuple[list[Path], list[Path]]:
    """Write the files that are not there; returns those, and those that were there.

    Raises:
        StoreError: one can't be written.
    """
    written: list[Path] = []
    kept: list[Path] = []
    for path, content in files.items():
        if path.exists():
            kept.append(path)
        else:
            make_directory(path.parent)
            write_new(path, content.encode())
            written.append(path)
    return written, kept


def approvers_of(loaded: LoadedIntent) -> tuple[templates.Approver, ...]:
    """The people whom the intent's promotion rules need: as many in each role as the strictest rule demands."""
    needed: dict[str, int] = {}
    for promotion in loaded.intent.promotion.values():
        for rule in (*promotion.approvals, *promotion.on_expansion):
            needed[rule.role] = max(needed.get(rule.role, 0), rule.count)
    return tuple(
        templates.Approver(role if n == 1 else f"{role}-{n}", role)
        for role, count in sorted(needed.items())
        for n in range(1, count + 1)
    )


def people_of(loaded: LoadedIntent) -> tuple[str, ...]:
    """Everybody who has a key, by its file's name."""
    return (*templates.MACHINES, "author", "evaluator", "promoter", "reviewer", *(a.id for a in approvers_of(loaded)))


def make_keys(directory: Path, people: Iterable[str]) -> list[Path]:
    """A key in ``keys`` for everybody who has none there; returns both halves of each.

    Raises:
        StoreError: one can't be written.
    """
    made = []
    for person in people:
        file = directory / "keys" / f"{person}.pem"
        if not file.exists():
            generate_key(file, None)
            made += [file, public_name(file)]
    return made


def _steps(directory: Path, loaded: LoadedIntent, trial_keys: bool) -> tuple[str, ...]:  # noqa: FBT001 - private
    enter = () if str(directory) == "." else (f"cd {directory}",)
    keys = () if trial_keys else tuple(f"bspec-opa key generate keys/{p}.pem" for p in people_of(loaded))
    return (
        *enter,
        *keys,
        "bspec-opa trust init trust.yaml --key keys/root.pem",
        "export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)",
        f"bspec-opa evaluate {INTENT_NAME} --env staging",
    )
