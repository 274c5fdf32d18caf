"""Many items over several processes: none is lost, none stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import worker_tasks
from hypothesis import given, settings
from hypothesis import strategies as st

from bspec_opa.engine import worker_process, workers
from bspec_opa.engine.workers import MAX_DEATHS, PREFETCH, WINDOW, map_in_order, usable_cores
from bspec_opa.foundation.errors import BspecError, EngineError, ExitCode, Location
from bspec_opa.foundation.limits import MAX_JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLED = ("die", int(signal.SIGKILL))


def mapped(items: Any, *, jobs: int = 2, fewest: int = 1, opened: Any = worker_tasks.calculator, **named: Any) -> Any:
    found = list(map_in_order(opened, items, jobs=jobs, fewest=fewest, **named))
    return [f.code if isinstance(f, BspecError) else f for f in found]


def test_results_are_in_the_order_of_the_items() -> None:
    assert mapped(range(500)) == [n * n for n in range(500)]


def test_more_workers_than_items() -> None:
    assert mapped(range(2), jobs=4) == [0, 1]


def test_nothing_to_do() -> None:
    assert mapped([]) == []


@pytest.mark.parametrize("arguments", [{"jobs": 1}, {"jobs": 4, "fewest": 4}])
def test_few_items_start_no_process(arguments: dict[str, int]) -> None:
    assert mapped(["pid"] * 3, **arguments) == [os.getpid()] * 3


def test_enough_items_start_some_each_opened_and_closed_once(tmp_path: Path) -> None:
    pids = set(mapped(["pid"] * 40, opened=partial(worker_tasks.calculator, str(tmp_path))))
    assert os.getpid() not in pids
    files = sorted(p.name for p in tmp_path.iterdir())
    opened = {n.removesuffix(".opened") for n in files if n.endswith(".opened")}
    assert len(opened) == 2
    assert pids <= {int(n) for n in opened}
    assert files == sorted(f"{n}.{what}" for n in opened for what in ("opened", "closed"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_refused_item_hides_no_other(jobs: int) -> None:
    found = list(map_in_order(worker_tasks.calculator, [1, "refuse", 2], jobs=jobs, fewest=1))
    assert (found[0], found[2]) == (1, 4)
    error = found[1]
    assert isinstance(error, EngineError)
    assert error.code == "engine.trap"
    (problem,) = error.problems
    assert (problem.message, problem.hint, problem.location) == ("it is refused", "none", Location("some.file", 1, 2))
    assert str(error) == "some.file:1:2: it is refused; none"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_function_that_cant_be_made(jobs: int) -> None:
    with pytest.raises(EngineError, match="it can't be opened"):
        mapped([1], jobs=jobs, opened=worker_tasks.refuses_to_open)


def test_a_bug_is_a_bug_and_not_a_result() -> None:
    with pytest.raises(ZeroDivisionError):
        mapped([1, "bug"], jobs=1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        mapped([1, "bug"])


def test_a_result_larger_than_any_pipe() -> None:
    assert [len(f) for f in mapped(["large", "large", "large"])] == [20_000_000] * 3


@pytest.mark.attack("A25")
def test_the_item_of_a_killed_worker_is_an_error_and_the_others_are_done() -> None:
    items: list[Any] = [*range(50)]
    for n in (3, 4, 40):
        items[n] = KILLED
    expected: list[Any] = [n * n for n in range(50)]
    for n in (3, 4, 40):
        expected[n] = "engine.worker-died"
    assert mapped(items) == expected


def test_what_killed_it_is_told() -> None:
    (error,) = map_in_order(worker_tasks.calculator, [KILLED], jobs=2, fewest=1)
    assert isinstance(error, EngineError)
    assert error.exit_code == ExitCode.ENGINE
    assert str(error) == "its worker process was killed by signal 9"


@pytest.mark.attack("A25")
def test_workers_that_keep_dying_are_not_replaced_for_ever() -> None:
    found = mapped([KILLED] * 300 + [1] * 300)
    assert found == ["engine.worker-died"] * 600


def test_workers_that_die_before_they_are_ready() -> None:
    assert mapped(range(5), opened=worker_tasks.dies_on_opening) == ["engine.worker-died"] * 5


@pytest.mark.attack("A25")
def test_a_worker_killed_from_outside(tmp_path: Path) -> None:
    """At any time: each item has its result or an error."""
    opened = partial(worker_tasks.calculator, str(tmp_path))
    found = map_in_order(opened, range(2000), jobs=2, fewest=1)
    answers = [next(found) for _ in range(200)]
    for file in tmp_path.glob("*.opened"):
        os.kill(int(file.stem), signal.SIGKILL)
    answers += found
    assert len(answers) == 2000
    lost = [n for n, a in enumerate(answers) if a != n * n]
    assert len(lost) <= 2
    assert all(isinstance(answers[n], EngineError) for n in lost)


@pytest.mark.attack("A25")
def test_an_item_over_its_deadline() -> None:
    assert mapped([2, "loop", 3, "loop", 4], deadline_s=1) == [4, "engine.timeout", 9, "engine.timeout", 16]


def test_a_function_that_never_gets_ready() -> None:
    assert mapped(range(5), opened=worker_tasks.never_opens, deadline_s=0.5) == ["engine.worker-died"] * 5


@pytest.mark.attack("A25")
def test_a_worker_that_is_stopped_before_it_is_ready(tmp_path: Path) -> None:
    """What it was given goes to others, and no item is lost."""
    opened = partial(worker_tasks.stops_before_it_is_ready, str(tmp_path))
    assert mapped(range(60), opened=opened, deadline_s=3) == [n * n for n in range(60)]


@pytest.mark.attack("A25")
def test_a_worker_that_is_stopped_while_it_answers() -> None:
    found = mapped([2, "stop-sending", 3, 4], deadline_s=2)
    assert found == [4, "engine.timeout", 9, 16]


@pytest.mark.attack("A25")
def test_a_refusal_ends_nothing_once_another_worker_was_ready(tmp_path: Path) -> None:
    opened = partial(worker_tasks.refuses_after_another_was_ready, str(tmp_path))
    items = [*range(10), ("ready", str(tmp_path)), *range(10)]
    found = mapped(items, opened=opened)
    assert [f for n, f in enumerate(found) if n != 10] == [n * n for n in range(10)] * 2


def test_processes_that_cant_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(worker_process, "Worker", refuse)
    with pytest.raises(EngineError, match="can't be started: Resource temporarily unavailable") as caught:
        mapped([1])
    assert caught.value.code == "engine.worker-died"


@pytest.mark.parametrize("possible", [1, 2])
def test_processes_of_which_only_some_can_be_started(monkeypatch: pytest.MonkeyPatch, possible: int) -> None:
    """Neither at the beginning nor in a dead one's place."""
    started: list[Any] = []

    class Scarce(worker_process.Worker[Any, Any]):
        def __init__(self, *arguments: Any) -> None:
            if len(started) == possible:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            super().__init__(*arguments)
            started.append(self)

    monkeypatch.setattr(worker_process, "Worker", Scarce)
    assert mapped([1, KILLED, *range(20)], jobs=3)[:2] == [1, "engine.worker-died"]
    expected = [n * n for n in range(20)] if possible == 2 else ["engine.worker-died"] * 20
    started.clear()
    assert mapped([1, KILLED, *range(20)], jobs=3)[2:] == expected


COUNTS = [
    (range(25), 40, 13),
    (range(2), 40, 2),
    (range(7), 4, 4),
    (range(100_000), 1000, MAX_JOBS),
    ((n for n in [1]), 3, 3),
]


@pytest.mark.parametrize(("items", "jobs", "started"), COUNTS)
def test_no_more_processes_than_have_something_to_do(
    monkeypatch: pytest.MonkeyPatch, items: Any, jobs: int, started: int
) -> None:
    made: list[object] = []

    class Still:
        def __init__(self, *_: object) -> None:
            made.append(self)
            self.items: list[Any] = []
            self.pipe = None

        def give(self, number: int, item: object) -> None:
            raise ZeroDivisionError

        def kill(self) -> None: ...

        hang_up = join = kill

    monkeypatch.setattr(worker_process, "Worker", Still)
    with pytest.raises(ZeroDivisionError):
        mapped(items, jobs=jobs)
    assert len(made) == started


def test_items_are_taken_as_needed() -> None:
    taken = 0

    def counted() -> Iterator[Any]:
        nonlocal taken
        for n in range(10_000):
            taken += 1
            yield n

    found = map_in_order(worker_tasks.calculator, counted(), jobs=2, fewest=1)
    for n in range(100):
        assert next(found) == n * n
        assert taken <= n + 2 * WINDOW + 1
    found.close()


def test_a_slow_item_holds_the_others_back_only_so_far() -> None:
    taken: list[int] = []

    def items() -> Iterator[Any]:
        yield "loop"
        for n in range(1000):
            taken.append(n)
            yield n

    found = map_in_order(worker_tasks.calculator, items(), jobs=2, fewest=1, deadline_s=2)
    assert isinstance(next(found), EngineError)
    assert PREFETCH <= len(taken) < 2 * WINDOW
    assert list(found) == [n * n for n in range(1000)]


def test_closing_the_iterator_ends_the_processes(tmp_path: Path) -> None:
    found = map_in_order(worker_tasks.calculator, ["pid", *["loop"] * 20], jobs=2, fewest=1)
    pid: Any = next(found)
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_do_not_load_the_command_line(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import sys, worker_tasks\n"
        "import bspec_opa.cli.main\n"
        "from bspec_opa.engine.workers import map_in_order\n"
        "if __name__ == '__main__':\n"
        "    (found,) = map_in_order(worker_tasks.calculator, ['modules'], jobs=2, fewest=1)\n"
        "    print(*found)\n"
        "    assert sys.modules['__main__'].__file__\n"
    )
    loaded = set(program([sys.executable, str(script)]).communicate(timeout=60)[0].split())
    assert "bspec_opa.engine.worker_process" in loaded
    assert (
        loaded & {"click", "bspec_opa.cli.main", "wasmtime", "yaml", "pydantic", "concurrent.futures.process"} == set()
    )


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, bspec_opa.engine.workers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"multiprocessing", "concurrent.futures", "socket", "pickle", "wasmtime"} == set()


def program(command: list[str]) -> subprocess.Popen[str]:
    """A program in a session of its own. Its workers hold its output open, so reading to the end waits for them."""
    folders = [str(Path(worker_tasks.__file__).parent), str(Path(workers.__file__).parents[2])]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, start_new_session=True
    )


LOOPING = """
import signal, sys, worker_tasks
from bspec_opa.engine.workers import map_in_order

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may have it ignored

def items(folder):
    yield ("touch-and-loop", folder)
    yield ("touch-and-loop", folder)
    print("started", flush=True)
    yield from range(100)

for _ in map_in_order(worker_tasks.calculator, items(sys.argv[1]), jobs=2, fewest=1):
    pass
"""


@pytest.mark.attack("A25")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("when", ["starting", "looping"])
def test_no_worker_outlives_its_parent(number: signal.Signals, when: str, tmp_path: Path) -> None:
    process = program([sys.executable, "-c", textwrap.dedent(LOOPING), str(tmp_path)])
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    while when == "looping" and len(list(tmp_path.glob("*.looping"))) < 2:
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert output == ""
    assert process.returncode == -number
    assert errors.count("Traceback") == (1 if number == signal.SIGINT else 0)


@pytest.mark.parametrize("when", ["starting", "looping"])
def test_ctrl_c_goes_to_everybody_and_only_the_parent_speaks(when: str, tmp_path: Path) -> None:
    process = program([sys.executable, "-c", textwrap.dedent(LOOPING), str(tmp_path)])
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    while when == "looping" and len(list(tmp_path.glob("*.looping"))) < 2:
        assert process.poll() is None
        os.sched_yield()
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert errors.count("Traceback") == 1
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


ITEMS = st.lists(st.one_of(st.integers(), st.just("refuse"), st.just(KILLED)), max_size=MAX_DEATHS * 3)


@settings(max_examples=8)
@given(items=ITEMS, jobs=st.integers(1, 3))
def test_property_each_item_has_its_own_answer(items: list[Any], jobs: int) -> None:
    items = [i for i in items if jobs > 1 or i != KILLED]
    deaths = 0
    for item, found in zip(items, mapped(items, jobs=jobs), strict=True):
        deaths += found == "engine.worker-died"
        if isinstance(item, int):
            assert found == item * item or deaths + items.count(KILLED) > MAX_DEATHS
        else:
            assert found in ({"engine.worker-died"} if item == KILLED else {"engine.trap", "engine.worker-died"})
