from __future__ import annotations

from pathlib import Path

from bspec_opa.foundation.errors import Reason
from bspec_opa.trust import reasons

REASONS = [r for r in vars(reasons).values() if isinstance(r, Reason)]


def test_codes_are_distinct_and_of_this_room() -> None:
    codes = [r.code for r in REASONS]
    assert len(set(codes)) == len(codes)
    assert all(c.startswith("trust.") for c in codes)


def test_every_reason_is_explained_and_tested() -> None:
    tests = "".join(p.read_text() for p in Path(__file__).parent.glob("test_*.py"))
    for reason in REASONS:
        assert reason.summary
        assert reason.remedy
        assert f'"{reason.code}"' in tests, reason.code
