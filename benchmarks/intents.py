"""Intents as a fleet of agents has them: three risk tiers, none to five tools more, some with a longer purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.workflow.starting.templates import TIERS, intent_template

if TYPE_CHECKING:
    from pathlib import Path

_TOOL = """\
  # Added by the {team} team.
  - id: {team}_api_{number}
    class: {team}
    version: ">=1.{number},<2"
    privilege: {privilege}
    operations: [list_{team}, get_{team}, search_{team}]
    data: internal
    world: closed
    serves: [answer-questions]
"""
_TEAMS = ("crm", "shipping", "search", "knowledge", "calendar")
_PURPOSE = "purpose: Answer questions about support tickets.\n"
_FOLDED = """\
purpose: >-
  Answer questions about support tickets,
  in the words of the person who asks.
"""


def intent_text(number: int) -> str:
    """The text of the intent with a number; every tenth has a folded purpose, which plain YAML hasn't."""
    text = intent_template(f"agent-{number:04}", TIERS[number % len(TIERS)])
    tools = "".join(
        _TOOL.format(team=team, number=n, privilege="write" if number % 7 == n else "read")
        for n, team in enumerate(_TEAMS[: number % (len(_TEAMS) + 1)])
    )
    text = text.replace("models:\n", f"{tools}models:\n", 1)
    return text.replace(_PURPOSE, _FOLDED) if number % 10 == 0 else text


def write_intents(folder: Path, count: int) -> list[Path]:
    """Each in a directory of its own."""
    files = [folder / f"agent-{number:04}" / "behavior.intent" for number in range(count)]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True)
        file.write_text(intent_text(number), encoding="utf-8")
    return files
