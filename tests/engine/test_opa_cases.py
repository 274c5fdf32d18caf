"""OPA's own conformance cases through our engines: the shipped allow-list, the product's wrapper, real OPA beside it.

``opa_case_differences.yaml`` lists every difference from what OPA wants, with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from engine.parity.opa_build import REVISION, Batch, Placed
from engine.parity.opa_cases import DIRECTORY, NO_JSON, load_cases
from engine.parity.opa_verdict import difference
from sidecars import opa_server

from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.digest import ZERO_DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.parity.opa_cases import Case

ROOT = Path(__file__).parents[2]
LISTED: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("opa_case_differences.yaml").read_text("utf-8"))
BATCHES = range(10)
Found = dict[tuple[str, str], str]
"""By case and engine, what was got instead of what OPA wants."""


def batch_of(cases: list[Case], number: int) -> list[Case]:
    """Whole folders, so that cases that belong together are together; about as many cases each."""
    step = len(cases) / len(BATCHES)
    first = {c.folder: n for n, c in reversed(list(enumerate(cases)))}
    return [c for c in cases if int(first[c.folder] / step) == number]


def listed(cases: list[Case], *engines: str) -> Found:
    names = {c.id for c in cases}
    rows = [r for r in LISTED["differences"] if r["case"] in names and r["engine"] in engines]
    return {(r["case"], r["engine"]): r["got"] for r in rows}


def asked(batch: Batch) -> Iterator[Placed]:
    """What JSON can ask; the rest is listed, too."""
    for placed in batch.placed.values():
        if (placed.case.request is NO_JSON) != (placed.case.id in LISTED["no_json"]):
            pytest.fail(f"{placed.case.id} in the list of inputs that JSON can't hold?")
        if placed.case.request is not NO_JSON:
            yield placed


def through_embedded(batch: Batch, cache: CodeCache | None) -> Found:
    wasm, found = batch.wasm(), Found()
    for placed in asked(batch):

        def opened(placed: Placed = placed) -> EmbeddedEngine:
            return EmbeddedEngine(
                wasm,
                placed.data,
                revision=REVISION,
                bundle_digest=ZERO_DIGEST,
                entrypoint=placed.entrypoint,
                cache=cache,
            )

        found[placed.case.id, "embedded"] = difference(placed.case, opened)
    return found


def through_rest(batch: Batch, opa: Path) -> Found:
    found = Found()
    with opa_server(opa, batch.bundle()) as (_, url):
        for placed in asked(batch):

            def opened(placed: Placed = placed) -> RestEngine:
                return RestEngine(url, revision=REVISION, decision_path=placed.entrypoint, deadline_s=60)

            found[placed.case.id, "rest"] = difference(placed.case, opened)
    return found


def test_the_list_is_about_these_cases() -> None:
    cases = load_cases()
    assert (DIRECTORY / "VERSION").read_text(encoding="utf-8").strip() == OPA_VERSION == LISTED["opa"]
    assert len(cases) == len({c.id for c in cases}) == LISTED["cases"]
    assert {r["case"] for r in LISTED["differences"]} <= {c.id for c in cases}
    assert {r["reason"] for r in LISTED["differences"]} == set(LISTED["reasons"])
    assert sum(len(batch_of(cases, n)) for n in BATCHES) == len(cases)
    assert sum(LISTED["allowed"].values()) == ALLOWED


ALLOWED = 1082


@pytest.mark.parametrize("number", [n if n % 3 == 0 else pytest.param(n, marks=pytest.mark.soak) for n in BATCHES])
def test_cases_moved_together(number: int, opa_path: Path, tmp_path: Path) -> None:
    cases = batch_of(load_cases(), number)
    batch = Batch(opa_path, tmp_path / "cases", cases)
    batch.keep_allowed()
    allowed = Counter(p.case.folder for p in batch.placed.values())
    assert allowed == {f: n for f, n in LISTED["allowed"].items() if f in {c.folder for c in cases}}
    found = through_embedded(batch, CodeCache(tmp_path / "code")) | through_rest(batch, opa_path)
    assert {place: got for place, got in found.items() if got} == listed(cases, "embedded", "rest")


@pytest.mark.soak
@pytest.mark.parametrize("number", BATCHES)
def test_cases_alone_and_unchanged(number: int, opa_path: Path, tmp_path: Path) -> None:
    cases = batch_of(load_cases(), number)
    found, run = Found(), 0
    for n, case in enumerate(cases):
        batch = Batch(opa_path, tmp_path / str(n), [case], alone=True)
        batch.keep_allowed()
        run += len(batch.placed)
        if batch.placed:
            found |= through_embedded(batch, None)
    assert run == sum(LISTED["allowed"].get(f, 0) for f in {c.folder for c in cases})
    assert {place: got for place, got in found.items() if got} == listed(cases, "embedded")


def test_the_page_tells_the_same() -> None:
    page = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    counts = Counter((r["reason"], r["engine"]) for r in LISTED["differences"])
    assert {(r, int(e), int(s)) for r, e, s in rows} == {
        (r, counts[r, "embedded"], counts[r, "rest"]) for r in LISTED["reasons"]
    }
    without = len(LISTED["no_json"])
    assert f"carries {LISTED['cases']} conformance cases" in page
    assert f" {ALLOWED} of them compile" in page
    assert f" {without} of these have a set" in page
