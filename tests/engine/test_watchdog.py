"""The watchdog bites once, in time, and never afterwards."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from bspec_opa.engine.watchdog import Watchdog


def test_bites_what_takes_too_long_and_only_that() -> None:
    bitten = threading.Event()
    dog = Watchdog(bitten.set)
    with dog.guard(60):
        pass
    assert not bitten.is_set()
    with dog.guard(0.01):
        assert bitten.wait(30)
    dog.close()


def test_a_shorter_guard_wakes_a_longer_sleep() -> None:
    bitten = threading.Event()
    dog = Watchdog(bitten.set)
    with dog.guard(3600):
        pass
    with dog.guard(0.01):
        assert bitten.wait(30)
    dog.close()


def test_a_longer_guard_is_not_cut_short() -> None:
    bites: list[int] = []
    dog = Watchdog(lambda: bites.append(1))
    with dog.guard(0.01):
        first = dog._thread
    with dog.guard(3600):
        assert first is not None
        first.join(0.1)
        assert bites == []
    dog.close()


def test_thread_ends_by_itself_and_starts_again() -> None:
    bitten = threading.Event()
    dog = Watchdog(bitten.set)
    for _ in range(2):
        bitten.clear()
        with dog.guard(0.01):
            assert bitten.wait(30)
            thread = dog._thread
        if thread is not None:
            thread.join()
        assert dog._thread is None


def test_closing_ends_the_thread() -> None:
    dog = Watchdog(lambda: None)
    dog.close()
    with dog.guard(3600):
        thread = dog._thread
    assert thread is not None
    assert thread.is_alive()
    dog.close()
    assert not thread.is_alive()


@pytest.mark.parametrize("begun", [True, False])
def test_an_exception_in_a_guard_leaves_it_usable(begun: bool) -> None:
    bitten = threading.Event()
    dog = Watchdog(bitten.set)
    with suppress(ZeroDivisionError), dog.guard(3600 if begun else 60):
        raise ZeroDivisionError
    with dog.guard(0.01):
        assert bitten.wait(30)
    dog.close()
