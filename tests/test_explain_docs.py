"""The pages about explaining and about impact show what the commands print."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import transcript

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
INTENT = ROOT / "examples" / "billing" / "v1" / "behavior.intent"


def run_page(name: str, directory: Path, opa: Path, prepare: Iterable[str] = ()) -> list[tuple[str, object]]:
    """The commands whose output is not what the page shows."""
    work = directory / "work"
    work.mkdir()
    shutil.copy(INTENT, work)
    hidden = [transcript.Step(c, ()) for c in (f"export BSPEC_OPA_OPA={opa}", *prepare)]
    shown = transcript.steps_of((ROOT / "docs" / name).read_text(encoding="utf-8"))
    assert shown
    outputs = transcript.run([*hidden, *shown], directory)[len(hidden) :]
    return [(s.command, o) for s, o in zip(shown, outputs, strict=True) if not transcript.fits(s.output, o)]


def test_the_page_about_explaining_shows_what_is_printed(tmp_path: Path, opa_path: Path) -> None:
    assert run_page("explain.md", tmp_path, opa_path) == []


def test_the_page_about_impact_shows_what_is_printed(tmp_path: Path, opa_path: Path) -> None:
    shipped = read_bundle(shipped_bundle().read_bytes(), "default")
    data = json.loads(json.dumps(shipped.organisation))
    data["forbidden"].append({"class": "finance", "privilege": "read", "reason": "no agent reads them"})
    following = tmp_path / "next.tar.gz"
    following.write_bytes(repack(shipped, json.dumps(data).encode(), "next.json"))
    assert run_page("impact.md", tmp_path, opa_path, [f"cp {following} next.tar.gz"]) == []
