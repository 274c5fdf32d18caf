"""Many files: over several processes where that is worth it, with a progress bar where somebody watches."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from bspec_opa.cli.output import Output
    from bspec_opa.foundation.errors import BspecError

FEWEST_WATCHED = 10
"""Fewer are done before a bar is read."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def handled(
    opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]],
    items: Sequence[Item],
    output: Output,
    *,
    jobs: int | None,
    doing: str,
) -> Iterator[Iterator[Result | BspecError]]:
    """The results, in the order of the items; leaving early ends the processes.

    Args:
        opened: see :func:`bspec_opa.engine.workers.map_in_order`.
        items: what to handle.
        output: says whether anybody watches.
        jobs: processes at most; ``None`` is one for each core.
        doing: what the bar says.
    """
    from bspec_opa.engine.workers import map_in_order, usable_cores

    results = map_in_order(opened, items, jobs=jobs or usable_cores())
    with closing(results):
        yield _watched(results, len(items), output, doing)


def _watched(results: Iterator[Result], number: int, output: Output, doing: str) -> Iterator[Result]:
    if output.quiet or number < FEWEST_WATCHED or not output.runtime.err.isatty():
        yield from results
        return
    import click

    with click.progressbar(length=number, label=doing, file=output.runtime.err, show_pos=True) as bar:
        for result in results:
            yield result
            bar.update(1)


def held_back(output: Output, number: int) -> bool:
    """Whether results must wait for the end, because a bar is drawn on the terminal that they would go to."""
    return number >= FEWEST_WATCHED and output.runtime.out.isatty() and output.runtime.err.isatty()
