"""A deadline that has passed is an error, never a wait."""

from __future__ import annotations

import pytest

from bspec_opa.engine.deadline import Deadline, resolve, system_resolver


def test_nothing_is_left_before_the_start_and_after_the_end() -> None:
    deadline = Deadline()
    with pytest.raises(TimeoutError):
        deadline.remaining()
    deadline.start(60)
    assert 0 < deadline.remaining() <= 60
    deadline.start(0)
    with pytest.raises(TimeoutError):
        deadline.remaining()


def test_system_resolver_knows_this_machine() -> None:
    deadline = Deadline()
    deadline.start(60)
    assert {i[4][0] for i in resolve("127.0.0.1", 80, deadline, system_resolver)} == {"127.0.0.1"}


def test_a_passed_deadline_ends_before_the_resolver() -> None:
    with pytest.raises(TimeoutError):
        resolve("127.0.0.1", 80, Deadline(), system_resolver)
