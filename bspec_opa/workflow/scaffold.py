"""``init``: everything a project needs, around an intent that may be there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import make_directory, write_new
from bspec_opa.intent.load import load_intent
from bspec_opa.workflow import templates
from bspec_opa.workflow.checkout.config import FILE_NAME
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.keys import generate_key, public_name
from bspec_opa.workflow.checkout.project import INTENT_NAME, STATE

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.intent.load import LoadedIntent


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was written and what was there already.

    Attributes:
        directory: the project.
        intent: the intent's file.
        written: new files.
        kept: files that were there and were left alone.
        steps: the commands that come next.
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
    intent_file = directory / INTENT_NAME
    text = templates.intent_template(agent, tier)
    loaded = open_intent(intent_file) if intent_file.exists() else load_intent(text.encode(), str(intent_file))
    written: list[Path] = []
    kept: list[Path] = []
    for name, content in {INTENT_NAME: text, **_files(loaded)}.items():
        path = directory / name
        if path.exists():
            kept.append(path)
        else:
            make_directory(path.parent)
            write_new(path, content.encode())
            written.append(path)
    if trial_keys:
        written += _trial_keys(directory, _people(loaded))
    return Scaffold(directory, intent_file, tuple(written), tuple(kept), _steps(directory, loaded, trial_keys))


def _files(loaded: LoadedIntent) -> dict[str, str]:
    intent = loaded.intent
    agent = intent.metadata.id
    files = {
        FILE_NAME: templates.CONFIG,
        "trust.yaml": templates.trust_template(agent, intent.metadata.owner, _approvers(loaded)),
        f"{STATE}/catalogs/{agent}.yaml": templates.catalog_template(intent),
        ".gitattributes": templates.GITATTRIBUTES,
        ".gitignore": templates.GITIGNORE,
        ".github/workflows/behavior.yml": templates.CI,
    }
    for component in intent.components:
        files[templates.component_path(component.id)] = templates.component_template(component.id, intent.purpose)
    out_ids = tuple(o.id for o in intent.scope.out)
    for promotion in intent.promotion.values():
        for rule in promotion.evidence:
            name = f"results/{rule.question}-{rule.method}.json"
            files[name] = templates.result_template(rule.question, rule.method, out_ids)
    return files


def _approvers(loaded: LoadedIntent) -> tuple[templates.Approver, ...]:
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


def _people(loaded: LoadedIntent) -> tuple[str, ...]:
    """Everybody who has a key, by its file's name."""
    return (*templates.MACHINES, "author", "evaluator", "promoter", *(a.id for a in _approvers(loaded)))


def _trial_keys(directory: Path, people: tuple[str, ...]) -> list[Path]:
    made = []
    for person in people:
        file = directory / "keys" / f"{person}.pem"
        if not file.exists():
            generate_key(file, None)
            made += [file, public_name(file)]
    return made


def _steps(directory: Path, loaded: LoadedIntent, trial_keys: bool) -> tuple[str, ...]:  # noqa: FBT001 - private
    enter = () if str(directory) == "." else (f"cd {directory}",)
    keys = () if trial_keys else tuple(f"bspec-opa key generate keys/{p}.pem" for p in _people(loaded))
    return (
        *enter,
        *keys,
        "bspec-opa trust init trust.yaml --key keys/root.pem",
        "export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)",
        f"bspec-opa evaluate {INTENT_NAME} --env staging",
    )
