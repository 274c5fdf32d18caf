"""What is known of mutants that live: ``survivors.yaml`` beside this file, each with the reason why that is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from mutation.trial import INVALID, KILLED, SURVIVED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PLACE = Path(__file__).parent / "survivors.yaml"
LEAST = 95
"""The least score, percent."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run over mutants says.

    Attributes:
        outcomes: each mutant's, by its name.
        reasons: of the known survivors.
        known: the names of all mutants, those that were not tried included.
    """

    outcomes: Mapping[str, str]
    reasons: Mapping[str, str]
    known: Collection[str]

    def count(self, outcome: str) -> int:
        """How many mutants had an outcome."""
        return sum(o == outcome for o in self.outcomes.values())

    @property
    def score(self) -> float:
        """Percent of the valid mutants that were killed. A survivor counts against it, whatever its reason."""
        killed, survived = self.count(KILLED), self.count(SURVIVED)
        return 100 * killed / (killed + survived) if killed + survived else 0.0

    @property
    def survivors(self) -> list[str]:
        """The names of those that lived."""
        return [n for n, o in self.outcomes.items() if o == SURVIVED]

    @property
    def faults(self) -> list[str]:
        """What makes the run fail, each in one sentence."""
        stale = [n for n in self.reasons if n not in self.known or self.outcomes.get(n, SURVIVED) != SURVIVED]
        return [
            *(f"survives without a reason: {n}" for n in self.survivors if n not in self.reasons),
            *(f"has a reason and does not survive: {n}" for n in stale),
            *([] if self.score >= LEAST else [f"the score {self.score:.1f} is below {LEAST}"]),
        ]


def load_reasons(path: Path = PLACE) -> dict[str, str]:
    """Mutant to reason.

    Raises:
        ValueError: an entry has another form, or a mutant is there twice.
    """
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    found: dict[str, str] = {}
    for entry in entries:
        if set(entry) != {"mutant", "reason"} or len(str(entry["reason"]).split()) < 4:
            raise ValueError(f"not a mutant and a reason in a sentence: {entry}")
        if entry["mutant"] in found:
            raise ValueError(f"there twice: {entry['mutant']}")
        found[str(entry["mutant"])] = " ".join(str(entry["reason"]).split())
    return found


def rendered(account: Account) -> str:
    """The account for people."""
    lines = [f"survived  {n}\n          {account.reasons.get(n, '')}" for n in account.survivors]
    lines.append(
        f"score {account.score:.1f} %: {account.count(KILLED)} killed, {account.count(SURVIVED)} survived; "
        f"{account.count(INVALID)} more are no policies, which OPA or the build refuses"
    )
    return "\n".join([*lines, *(f"FAULT  {f}" for f in account.faults)]) + "\n"
