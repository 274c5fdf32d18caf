"""``check`` for many intents: what each process does, and how the results come together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bspec_opa.cli.many import handled
from bspec_opa.cli.output import open_output
from bspec_opa.foundation.errors import BspecError
from bspec_opa.report.check.formats import as_printed, report_in
from bspec_opa.report.check.interface import Manner, Tally, counted
from bspec_opa.workflow.checkout.finding import find_intents
from bspec_opa.workflow.checkout.world import World
from bspec_opa.workflow.facts.checked import Asked, Checked, unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from bspec_opa.bundle.conftest.runner import Runner
    from bspec_opa.bundle.conftest.wanted import Wanted
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.report.check.interface import Counted, Report

Item = tuple[Path, BspecError | None]


class Part(NamedTuple):
    """What a report says of one intent, and what it adds to the sum."""

    text: str
    counted: Counted


Result = tuple[Item, Checked | Asked | BspecError]
Made = TypeVar("Made")
COMMON = ("text", "json", "jsonl")
"""Forms that failures are printed in, too; other forms' failures go to standard error."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the intents, and how the answer is shown."""

    fail_on_warn: bool
    show_passed: bool
    jobs: int | None
    conftest: Wanted | None


def open_check(
    runtime: Runtime, start: Path, bundle: str | None, form: str | None, *, quiet: bool
) -> tuple[World, Output]:
    """The run's world, and its output: in a form of ``check``, or in one that every verb has."""
    flags = {"bundle.path": bundle}
    output = open_output(runtime, start, {**flags, "output.format": form if form in COMMON else None}, quiet=quiet)
    world = World(environ=runtime.environ, now=runtime.clock(), flags=flags, clock=runtime.clock)
    return world, replace(output, form=form or output.form)


def check_many(named: Iterable[Path], world: World, output: Output, order: Order) -> int:
    """Check every intent that is meant, and show the results in order; returns the exit code."""
    manner = Manner(Path.cwd(), order.fail_on_warn, order.show_passed, output.style)
    report, tally = report_in(output.form, manner), Tally(manner)
    items = find_intents(named)
    with ExitStack() as stack:
        runner = (
            stack.enter_context(_opened(order.conftest, world, [file for file, _ in items])) if order.conftest else None
        )
        doing = _Doing(items, output, order.jobs, stack)
        if report.apart and runner is None:
            said = _said(doing.results(partial(saying, world, output.form, manner)), report, manner)
        else:
            results = doing.results(partial(checking, world, with_request=runner is not None))
            said = (_part(c, report, manner) for c in _joined(results, runner))
        for part in said:
            tally.join(part.counted)
            _show(output, part.text)
    _show(output, report.end(tally))
    return int(tally.exit_code)


@dataclass(frozen=True, slots=True)
class _Doing:
    """The items, and who does them."""

    items: Sequence[Item]
    output: Output
    jobs: int | None
    stack: ExitStack

    def results(
        self, opened: Callable[[], AbstractContextManager[Callable[[Item], Made]]]
    ) -> Iterator[tuple[Item, Made | BspecError]]:
        """Each item with what became of it, in order."""
        made = self.stack.enter_context(handled(opened, self.items, self.output, jobs=self.jobs, doing="checking"))
        return zip(self.items, made, strict=True)


def _part(checked: Checked, report: Report, manner: Manner) -> Part:
    return Part(report.one(checked), counted(checked, manner))


def _said(results: Iterable[tuple[Item, Part | BspecError]], report: Report, manner: Manner) -> Iterator[Part]:
    """Every part, in order, those of intents included that no process came to speak of."""
    for (file, _), found in results:
        yield _part(unchecked(file, found), report, manner) if isinstance(found, BspecError) else found


def _show(output: Output, shown: str) -> None:
    if shown and not output.quiet:
        output.runtime.write(as_printed(output.form, shown))


def _opened(wanted: Wanted, world: World, files: Sequence[Path]) -> AbstractContextManager[Runner]:
    from bspec_opa.workflow.checks.check_conftest import open_conftest

    return open_conftest(wanted, world.environ, files)


@contextmanager
def saying(world: World, form: str, manner: Manner) -> Iterator[Callable[[Item], Part]]:
    """What one process does with each intent where the report may be made of parts."""
    report = report_in(form, manner)
    with checking(world, with_request=False) as check:

        def say(item: Item) -> Part:
            try:
                found: Checked | Asked | BspecError = check(item)
            except BspecError as e:
                found = e
            return _part(_whole(item[0], found), report, manner)

        yield say


@contextmanager
def checking(world: World, *, with_request: bool) -> Iterator[Callable[[Item], Checked | Asked]]:
    """What one process does with each intent; it keeps engines open between them."""
    # Here, because the process that hands intents out to others needn't know how to check one.
    from bspec_opa.workflow.checks.check import open_check_desk

    with open_check_desk(world) as desk:

        def check(item: Item) -> Checked | Asked:
            file, error = item
            if error is not None:
                raise error
            asked = desk.check(file)
            return asked if with_request else asked.checked

        yield check


def _joined(results: Iterable[Result], runner: Runner | None) -> Iterator[Checked]:
    """Whole results, in order: those that other policies must be asked about go to them by the batch."""
    if runner is None:
        for (file, _), found in results:
            yield _whole(file, found)
        return
    from bspec_opa.workflow.checks.check_conftest import with_conftest

    for batch in _batches(results):
        joined = iter(with_conftest([found for _, found in batch if isinstance(found, Asked)], runner))
        for (file, _), found in batch:
            yield next(joined) if isinstance(found, Asked) else _whole(file, found)


def _batches(results: Iterable[Result]) -> Iterator[list[Result]]:
    """As many results as one run of OPA takes."""
    from bspec_opa.bundle.conftest.runner import BATCH, BATCH_CHARACTERS

    batch: list[Result] = []
    characters = 0
    for result in results:
        batch.append(result)
        characters += len(result[1].text) if isinstance(result[1], Asked) else 0
        if len(batch) == BATCH or characters > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _whole(file: Path, found: Checked | Asked | BspecError) -> Checked:
    if isinstance(found, BspecError):
        return unchecked(file, found)
    return found.checked if isinstance(found, Asked) else found
