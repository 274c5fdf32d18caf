"""A binding for people and as ``bspec.resolution/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style


def binding_lines(binding: Binding) -> list[str]:
    """One line for each thing bound."""
    lines = [
        f"  model     {m.class_}  {m.provider} {printable(m.identity)}  ({m.immutability})" for m in binding.models
    ]
    lines += [
        f"  tool      {t.id}  {t.release} by {t.publisher}  {t.contract.kind} {t.contract.digest[:19]}…"
        f"  {count(len(t.operations), 'operation')}"
        for t in binding.tools
    ]
    return lines + [f"  component {c.id}  {c.digest[:19]}…" for c in binding.components]


def binding_text(binding: Binding, file: Path, next_step: str, style: Style) -> str:
    """What was bound and where the binding is."""
    lines = [
        f"{style.mark('RESOLVED', 'bold', 'green')}  {binding.digest}",
        *binding_lines(binding),
        f"  wrote     {printable(str(file))}",
        *next_lines([next_step]),
    ]
    return "\n".join(lines) + "\n"


def binding_json(binding: Binding, file: Path, next_step: str) -> JsonObject:
    """The binding with its digest."""
    return {
        "schema": "bspec.resolution/v1",
        "exit_code": 0,
        "digest": binding.digest,
        "file": str(file),
        "binding": binding.to_json(),
        "next": [next_step],
    }
