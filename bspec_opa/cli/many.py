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
FEWEST_SHARED = 300
"""Fewer are done sooner by this process alone than others have started (see docs/performance.md)."""
CLEAR_LINE = "\r\x1b[2K"

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

    # Who names a number means it; otherwise a process has to be worth its start.
    many = {"jobs": usable_cores(), "fewest": FEWEST_SHARED} if jobs is None else {"jobs": jobs, "fewest": 2}
    results = map_in_order(opened, items, **many)
    with closing(results):
        yield _watched(results, len(items), output, doing)


def _watched(results: Iterator[Result], number: int, output: Output, doing: str) -> Iterator[Result]:
    err = output.runtime.err
    dumb = output.runtime.environ.get("TERM") == "dumb"
    if output.quiet or number < FEWEST_WATCHED or dumb or not err.isatty():
        yield from results
        return
    import click

    # Nobody can tell how long it takes before the first results: other processes have to start.
    with click.progressbar(length=number, label=doing, file=err, show_pos=True, show_eta=False) as bar:
        for result in results:
            # What is printed next may go to the same terminal; the bar is drawn again below it.
            err.write(CLEAR_LINE)
            err.flush()
            yield result
            output.runtime.flush()
            bar.update(1)
        err.write(CLEAR_LINE)
