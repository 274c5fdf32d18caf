"""The benchmarks run: few rounds, real parts, no time asserted. The fleet, which needs conftest, is a soak test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import Figure
from bspec_opa.intent.load import load_intent

ROOT = Path(__file__).parents[2]
ENGINES = {
    "decision through rest",
    "decision through managed",
    "decision through embedded",
    "whole gate through embedded",
}
CELLS = {"embedded, 5 rules, 1 kB", "embedded, 5 rules, 10 kB"}


def measured(tmp_path: Path, *parts: str) -> dict[str, dict[str, object]]:
    """The figures of a quick run, by name."""
    file = tmp_path / "figures.json"
    chosen = [word for part in parts for word in ("--part", part)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--quick", "--json", str(file), *chosen],
        cwd=ROOT, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = {f["name"]: f for f in json.loads(file.read_text())["figures"]}
    assert all(name in done.stdout for name in figures)
    assert all(f["ours_ms"] > 0 < f["rival_ms"] for f in figures.values())
    return figures


def test_engines_are_compared_with_a_raw_post(tmp_path: Path) -> None:
    figures = measured(tmp_path, "decisions")
    assert figures.keys() == ENGINES
    assert figures["decision through rest"]["bound"] == 1.3
    assert figures["decision through embedded"]["bound"] == 0.3


def test_cold_starts_are_compared_with_pydantic(tmp_path: Path) -> None:
    figures = measured(tmp_path, "cold")
    assert {name: f["bound"] for name, f in figures.items()} == {"cold validate": 1.4, "cold evaluate": 2.2}


def test_rules_and_input_sizes(tmp_path: Path) -> None:
    assert measured(tmp_path, "sizes").keys() == CELLS


def test_switching_is_compared_with_the_same_sidecar_at_rest(tmp_path: Path) -> None:
    names = {"decision while bundles switch, p50", "decision while bundles switch, p99"}
    assert measured(tmp_path, "switching").keys() == names


def test_a_ledger_is_compared_with_a_smaller_one(tmp_path: Path) -> None:
    figures = measured(tmp_path, "ledger")
    of_files = {name: f for name, f in figures.items() if name.endswith("at 1,000, file")}
    assert {name.split()[0] for name in of_files} == {"append", "inclusion", "consistency", "find"}


def test_the_question_for_a_newer_root_is_compared_with_the_reading_without_it(tmp_path: Path) -> None:
    assert measured(tmp_path, "roots").keys() == {"reading, asked, at 200", "newer root asked at 200"}


@pytest.mark.soak
def test_promotions_of_several_writers_are_compared_with_those_of_one(tmp_path: Path) -> None:
    figures = measured(tmp_path, "promotions")
    assert figures.keys() == {f"promotion, {n} writers, file" for n in (1, 2)}
    rates = [(f["per_second"], 1e3 / float(str(f["ours_ms"]))) for f in figures.values()]
    assert all(rate == pytest.approx(expected, abs=0.01) for rate, expected in rates)


def test_a_rate_is_printed_beside_the_time() -> None:
    figure = Figure("promotion, 4 writers, file", "one writer", "wall", 250.0, 500.0, 0.5, None, 4.0)
    assert str(figure).endswith("   250.00    500.00   0.50               wall  one writer; 4.0 a second")


@pytest.mark.soak
def test_a_fleet_is_compared_with_conftest(tmp_path: Path) -> None:
    """Fails, too, when the two sides find different things in an intent."""
    subprocess.run(["make", "conftest"], cwd=ROOT, check=True)
    figures = measured(tmp_path, "fleet")
    assert figures.keys() == {"20 intents, one core", "20 intents, two cores"}


@pytest.mark.soak
def test_checks_are_compared_with_conftest_and_opa_exec(tmp_path: Path) -> None:
    """Fails, too, when one of the three finds something else in an intent."""
    subprocess.run(["make", "conftest"], cwd=ROOT, check=True)
    figures = measured(tmp_path, "check")
    bounds = {"check, 20 files, one core": 1.0, "check, 20 files, two cores": 0.59, "check, 20 files, team's": None}
    assert {name: f["bound"] for name, f in figures.items()} == bounds


def test_the_fleet_is_valid_and_various() -> None:
    program = "import json; from benchmarks.intents import intent_text; print(json.dumps([intent_text(n) for n in range(84)]))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    texts: list[str] = json.loads(done.stdout)
    loaded = [load_intent(text.encode(), "f") for text in texts]
    assert len({one.digest for one in loaded}) == len(texts)
    assert len({one.surface_digest for one in loaded}) > 20
    assert any("purpose: >-" in text for text in texts)


def test_an_unknown_part_is_a_usage_error() -> None:
    program = [sys.executable, "-m", "benchmarks.run", "--part", "everything"]
    done = subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
