"""OPA's own checks: strict, against the schemas, under the allow-list; and the form of ``opa fmt``.

OPA stops at the first stage of its compiler that fails. So files with errors are left out and the rest is checked
again, until nothing more is found.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.building import schemas
from bspec_opa.bundle.build.gate_source import GATE_TEST
from bspec_opa.bundle.build.generate import generated
from bspec_opa.bundle.layout import GENERATED
from bspec_opa.bundle.reasons import REGO_INVALID
from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.bundle.rego.sources import ANNOTATED, is_test, write_tree
from bspec_opa.bundle.rego.type_check import ALL, CAPABILITIES, CHECK, PACKED, WITHIN, prove
from bspec_opa.foundation.errors import BspecError, ExitCode, Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.authoring.lint.own_checks import Own
    from bspec_opa.authoring.lint.reading import Reading
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.errors import Problem

GATE_TEST_FILE = "bspec/gate/gate_test.rego"
ROUNDS = 20
"""How often files with errors are left out, at most; each round finds at least one file more."""
_EVERY = ("--max-errors", "0")


def prepare(reading: Reading, own: Own, work: Path) -> None:
    """Write what OPA is shown besides the parsed files: the generated packages, the schemas, the allow-list."""
    made = generated(own.index)
    write_tree(work / ALL, {**made, GATE_TEST_FILE: GATE_TEST.encode()})
    shown = {m.name for m in reading.modules if not is_test(m.name)}
    packed = {n: d for n, d in reading.sources.files.items() if n in shown or n.endswith(".json")}
    write_tree(work / PACKED, {**packed, **made})
    write_tree(work, {**schemas(), CAPABILITIES: capabilities()})


def opa_problems(reading: Reading, work: Path, opa: Opa, *, proven: bool) -> list[Problem]:
    """Everything that OPA refuses.

    Args:
        reading: the parsed files.
        work: the folder that :func:`prepare` filled; it is left as it was.
        opa: the binary.
        proven: whether nothing else was found: only then the canaries tell whether the check is live.

    Raises:
        EngineError: OPA does not run, or a canary was not refused.
    """
    found = [
        *_until_clean(reading, work, ALL, (), opa),
        *_until_clean(reading, work, PACKED, WITHIN, opa),
    ]
    if not found and proven:
        try:
            prove(work, opa)
        except BspecError as e:
            if e.exit_code != ExitCode.INVALID:
                raise
            found += map(_placed, e.problems)
    return found


def _until_clean(reading: Reading, work: Path, folder: str, options: tuple[str, ...], opa: Opa) -> list[Problem]:
    copy = work / "checked"
    shutil.copytree(work / folder, copy)
    missing = {".".join(p) for p in reading.unread}
    found: list[Problem] = []
    try:
        for _ in range(ROUNDS):
            new = [p for p in _refused(copy, work, options, opa) if not _follows(p, missing)]
            found += [p for p in new if p not in found]
            wrong = {p.location.file for p in new if p.location} - {"", ANNOTATED, *GENERATED}
            if not wrong:
                break
            for name in wrong:
                (copy / name).unlink(missing_ok=True)
                missing.add(".".join(("data", *name.split("/")[:-1])))
    finally:
        shutil.rmtree(copy)
    return found


def _refused(copy: Path, work: Path, options: tuple[str, ...], opa: Opa) -> list[Problem]:
    try:
        opa.run([*CHECK, *options, *_EVERY, copy.name], cwd=work)
    except BspecError as e:
        if e.exit_code != ExitCode.INVALID:
            raise
        return [_placed(p) for p in e.problems]
    return []


def _placed(problem: Problem) -> Problem:
    """With the file's path below the policies folder."""
    at = problem.location
    if at is None:
        return problem
    name = at.file
    for folder in ("checked", ALL, PACKED):
        name = name.removeprefix(f"{folder}/")
    return replace(problem, location=Location(name, at.line, at.column))


def _follows(problem: Problem, missing: set[str]) -> bool:
    """Whether a problem only follows from a file that is left out."""
    at = problem.location
    return (bool(at) and at is not None and at.file in GENERATED and bool(missing)) or any(
        f"{package}." in problem.message or problem.message.endswith(package) for package in missing
    )


def format_problems(reading: Reading, work: Path, opa: Opa) -> Iterator[Problem]:
    """Files that ``opa fmt`` would write otherwise, at the first line that differs."""
    listed = opa.run(["fmt", "--list", ALL], cwd=work).split("\n")
    for name in sorted(n.strip().removeprefix(f"{ALL}/") for n in listed):
        if name in reading.sources.files:
            wanted = opa.run(["fmt", f"{ALL}/{name}"], cwd=work).encode()
            at = Location(name, _first_difference(reading.sources.files[name], wanted), 1)
            hint = "let opa fmt write it; --fix does"
            yield REGO_INVALID.problem("not in the form of opa fmt", hint=hint, at=at, rule="format/opa-fmt")


def _first_difference(have: bytes, want: bytes) -> int:
    lines, wanted = have.split(b"\n"), want.split(b"\n")
    return next(
        (i for i, (a, b) in enumerate(zip(lines, wanted, strict=False), 1) if a != b), min(len(lines), len(wanted))
    )
