"""``evaluate`` for many intents: what each process does, and how the results come together."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.cli.many import handled
from bspec_opa.cli.output import JSON
from bspec_opa.foundation.errors import BspecError
from bspec_opa.report.decision.batch import Judged, Tally, failed, judged_json, judged_text
from bspec_opa.report.writing.printable import printable_lines, render_json
from bspec_opa.workflow.checkout.finding import find_intents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bspec_opa.cli.output import Output
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.batch import Desk
    from bspec_opa.workflow.checkout.world import World

Item = tuple[Path, BspecError | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of each intent, and how the answer is shown."""

    environment: str
    fail_on_warn: bool
    as_json: bool
    style: Style


def evaluate_many(
    named: Iterable[Path], environment: str, world: World, output: Output, *, jobs: int | None, fail_on_warn: bool
) -> int:
    """Judge every intent that is meant, and show the results in order; returns the exit code."""
    items = find_intents(named)
    wanted = Wanted(environment, fail_on_warn, output.json, output.style)
    late = output.form == JSON
    tally, kept = Tally(), []
    with handled(partial(judging, world, wanted), items, output, jobs=jobs, doing="evaluating") as results:
        for (file, _), found in zip(items, results, strict=True):
            judged = _failed(file, found, wanted) if isinstance(found, BspecError) else found
            tally.add(judged)
            if late:
                kept.append(judged.shown)
            else:
                _show(output, judged.shown)
    _finish(output, tally, kept, environment)
    return int(tally.exit_code)


def _show(output: Output, shown: str) -> None:
    if not output.quiet:
        output.runtime.write(shown if output.json else printable_lines(shown))


def _finish(output: Output, tally: Tally, kept: list[str], environment: str) -> None:
    if output.quiet:
        return
    if output.form == JSON:
        output.runtime.write(render_json(tally.json(environment, kept)))
        return
    if not output.json:
        output.runtime.write(printable_lines(tally.text(environment)))


@contextmanager
def judging(world: World, wanted: Wanted) -> Iterator[Callable[[Item], Judged]]:
    """What one process does with each intent; it keeps engines and projects open between them."""
    # Here, because the process that hands intents out to others needn't know how to judge one.
    from bspec_opa.workflow.batch import open_desk

    with open_desk(world) as desk:
        yield partial(_judge, desk, wanted)


def _judge(desk: Desk, wanted: Wanted, item: Item) -> Judged:
    file, error = item
    try:
        if error is not None:
            raise error
        session, evaluation = desk.evaluate(file, wanted.environment)
    except BspecError as e:
        return _failed(file, e, wanted)
    code = evaluation.exit_code_of(fail_on_warn=wanted.fail_on_warn)
    if not wanted.as_json:
        return judged_text(evaluation, code, wanted.style)
    from bspec_opa.report.decision.next_steps import steps_for

    steps = steps_for(str(file), evaluation, session.project, prepared=not session.anchor.starter)
    return judged_json(evaluation, steps, code)


def _failed(file: Path, error: BspecError, wanted: Wanted) -> Judged:
    return failed(str(file), error, wanted.style, as_json=wanted.as_json)
