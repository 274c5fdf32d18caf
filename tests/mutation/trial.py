"""Runs the real OPA's tests over mutants, many in one process.

A mutant becomes a package of its own, ``bspec.m7.lib.order`` for ``bspec.lib.order``, with a copy of the tests beside
it that names it instead. So one start of OPA tries dozens, and the parts that are not mutated are loaded once.
A mutant of a library that its own tests let live is tried again in its place, with every rule's tests.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutation.mutants import Mutant, mutants_of

from bspec_opa.bundle.rego.sources import is_test
from bspec_opa.bundle.rego.syntax import parse_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bspec_opa.bundle.rego.opa_tool import Opa

KILLED, SURVIVED, INVALID = "killed", "survived", "invalid"
BATCH = 32
WORKERS = 2
_SHARED = "bspec/lib/"
_LIBRARY = r"^data\.bspec\.(lib|rules)\."
_TESTS = "_test.rego"
_FOLDER = re.compile(r"\bm([0-9]+)/")
_SCHEMAS = Path(__file__).parents[2] / "bspec_opa" / "bundle" / "contract" / "schemas"


class TrialError(Exception):
    """The trial itself does not hold: unmutated rules fail, or OPA says something unforeseen."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that are tried.

    Attributes:
        root: the folder that holds ``bspec/``.
        opa: the binary.
    """

    root: Path
    opa: Opa

    def mutants(self) -> list[Mutant]:
        """Every mutant of the libraries and rules, in order."""
        names = [n for n in self.files() if n.startswith(("bspec/lib/", "bspec/rules/")) and not is_test(n)]
        modules = parse_modules(self.root, names, self.opa)
        return [m for module in modules for m in mutants_of(module, (self.root / module.name).read_text("utf-8"))]

    def files(self) -> list[str]:
        """Every Rego file, sorted."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*.rego"))


def test_of(file: str) -> str:
    """The test file beside a Rego file."""
    return file.removesuffix(".rego") + _TESTS


def try_all(policies: Policies, mutants: Sequence[Mutant], progress: Callable[[str, int], None]) -> dict[str, str]:
    """What becomes of each mutant.

    Args:
        policies: the unmutated ones.
        mutants: of them.
        progress: is told each outcome and how many mutants had it.

    Raises:
        TrialError: see there.
    """
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bspec-mutation-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        base = Path(folder) / "base"
        _lay_base(policies, base)
        batches = [list(b) for b in _batches(mutants)]
        tried = [pool.submit(_try_batch, policies, base, Path(folder) / str(n), b) for n, b in enumerate(batches)]
        for future in as_completed(tried):
            for name, outcome in future.result().items():
                found[name] = outcome
                if outcome != SURVIVED:
                    progress(outcome, 1)
        alive = [m for m in mutants if found[m.name] == SURVIVED]
        shared = any(m.file.startswith(_SHARED) for m in alive)
        if shared and opa_fails(policies.opa, policies.root, "--run", _LIBRARY):
            raise TrialError("tests fail without any mutation")
        again = {pool.submit(_try_alone, policies, Path(folder) / f"alone{n}", m): m for n, m in enumerate(alive)}
        for late in as_completed(again):
            found[again[late].name] = late.result()
            progress(late.result(), 1)
    return found


def _batches(mutants: Sequence[Mutant]) -> Iterator[Sequence[Mutant]]:
    """Groups of mutants of neighbouring files; the biggest files don't wait until the end."""
    for start in range(0, len(mutants), BATCH):
        yield mutants[start : start + BATCH]


def _lay_base(policies: Policies, base: Path) -> None:
    """Everything but tests and rules."""
    for path in policies.root.rglob("*"):
        name = path.relative_to(policies.root)
        wanted = path.suffix == ".json" or (path.suffix == ".rego" and not path.name.endswith(_TESTS))
        if path.is_file() and wanted and "rules" not in name.parts:
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, base / name)


def _try_batch(policies: Policies, base: Path, place: Path, batch: list[Mutant]) -> dict[str, str]:
    """Tries mutants side by side; one that does not compile is taken out and the rest tried again.

    OPA does not always say which file it means. Then the batch is halved, until a mutant is alone.
    """
    shutil.rmtree(place, ignore_errors=True)
    for number, file in enumerate(dict.fromkeys(m.file for m in batch)):
        same = next(m for m in batch if m.file == file)
        unmutated = (policies.root / file).read_text("utf-8")
        _lay(policies, place, f"same{number}", Mutant("", file, same.package, unmutated, 0))
    for number, mutant in enumerate(batch):
        _lay(policies, place, f"m{number}", mutant)
    results = _opa_test(policies.opa, [base, place])
    if not isinstance(results, str):
        return _outcomes(batch, results)
    if "/same" in results:
        raise TrialError(results[:2000])
    refused = {int(n) for n in _FOLDER.findall(results)}
    if len(batch) == 1:
        return {batch[0].name: INVALID}
    if refused:
        rest = [m for n, m in enumerate(batch) if n not in refused]
        outcomes = {m.name: INVALID for n, m in enumerate(batch) if n in refused}
        return outcomes | (_try_batch(policies, base, place, rest) if rest else {})
    half = len(batch) // 2
    return _try_batch(policies, base, place, batch[:half]) | _try_batch(policies, base, place, batch[half:])


def _outcomes(batch: list[Mutant], results: list[dict[str, Any]]) -> dict[str, str]:
    ran: dict[str, list[bool]] = {}
    for result in results:
        passed = not (result.get("fail") or result.get("error") or result.get("skip"))
        ran.setdefault(result["package"].split(".")[2], []).append(passed)
    broken = [n for n, passed in ran.items() if n.startswith("same") and not all(passed)]
    if broken or not any(n.startswith("same") for n in ran):
        raise TrialError(f"the tests of {batch[0].file} and others fail, or are none, without any mutation")
    found = {}
    for number, mutant in enumerate(batch):
        passes = ran.get(f"m{number}")
        if not passes:
            raise TrialError(f"no test ran for {mutant.name}")
        found[mutant.name] = SURVIVED if all(passes) else KILLED
    return found


def _lay(policies: Policies, place: Path, label: str, mutant: Mutant) -> None:
    """A mutant and its tests as packages of their own."""
    package = ".".join(mutant.package)
    moved = f"{mutant.package[0]}.{label}.{'.'.join(mutant.package[1:])}"
    name = re.compile(rf"(?<![\w.])((?:data\.)?){re.escape(package)}(?=(_test)?\b)")
    for file, text in (
        (mutant.file, mutant.text),
        (test_of(mutant.file), (policies.root / test_of(mutant.file)).read_text("utf-8")),
    ):
        target = place / label / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(name.sub(rf"\g<1>{moved}", text), encoding="utf-8")


def _opa_test(opa: Opa, paths: Sequence[Path], *flags: str) -> list[dict[str, Any]] | str:
    """The results of ``opa test``, or what OPA says where it compiles nothing."""
    given = ["--schema", str(_SCHEMAS), "--timeout", "60s", "--format", "json", "--max-errors", "100000", *flags]
    done = subprocess.run(
        [str(opa.path), "test", *given, "--parallel", "1", *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return done.stderr + done.stdout
    return found if isinstance(found, list) else json.dumps(found)


def _try_alone(policies: Policies, place: Path, mutant: Mutant) -> str:
    """A survivor in its own place: would the build refuse it, does any other test see it?"""
    shutil.copytree(policies.root, place)
    (place / mutant.file).write_text(mutant.text, encoding="utf-8")
    if mutant.file.startswith(_SHARED):
        return outcome_of(policies.opa, place, "--run", _LIBRARY)
    return INVALID if refused(policies.opa, place) else SURVIVED


def outcome_of(opa: Opa, place: Path, *flags: str) -> str:
    """What becomes of a mutant in a whole tree of its own, which is removed."""
    results = _opa_test(opa, [place], *flags)
    if isinstance(results, str):
        outcome = INVALID
    elif any(r.get("fail") or r.get("error") for r in results):
        outcome = KILLED
    else:
        outcome = INVALID if refused(opa, place) else SURVIVED
    shutil.rmtree(place)
    return outcome


def refused(opa: Opa, root: Path) -> bool:
    """Whether the check that a build makes refuses a tree: syntax, types, unused names."""
    checked = subprocess.run(
        [str(opa.path), "check", "--strict", "--schema", str(_SCHEMAS), str(root)],
        capture_output=True,
        timeout=600,
        check=False,
    )
    return checked.returncode != 0


def opa_fails(opa: Opa, root: Path, *flags: str) -> bool:
    """Whether any test of a tree fails.

    Raises:
        TrialError: there is none, or the tree does not compile.
    """
    results = _opa_test(opa, [root], *flags)
    if isinstance(results, str) or not results:
        raise TrialError(f"no test ran: {str(results)[:2000]}")
    return any(r.get("fail") or r.get("error") for r in results)


def share_of(mutants: Sequence[Mutant], share: int) -> list[Mutant]:
    """Every ``share``-th mutant, chosen by its name alone: the same ones in every run and on every machine."""
    return [m for m in mutants if int(hashlib.sha256(m.name.encode()).hexdigest(), 16) % share == 0]
