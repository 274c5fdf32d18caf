from __future__ import annotations

from typing import get_args

import pytest

from bspec_opa.bundle.contract import definitions as d
from bspec_opa.intent import vocabulary as v

SAME_ORDER = {
    "tiers": (v.TIERS, d.TIERS),
    "exposures": (get_args(v.Exposure), d.EXPOSURES),
    "privileges": (v.PRIVILEGES, d.PRIVILEGES),
    "sensitivities": (v.SENSITIVITIES, d.SENSITIVITIES),
    "reversibilities": (v.REVERSIBILITIES, d.REVERSIBILITIES),
    "confirmations": (v.CONFIRMATIONS, d.CONFIRMATIONS),
    "worlds": (v.WORLDS, d.WORLDS),
    "model roles": (get_args(v.ModelRole), d.MODEL_ROLES),
    "component kinds": (get_args(v.ComponentKind), d.COMPONENT_KINDS),
    "memories": (v.MEMORIES, d.MEMORIES),
    "log levels": (v.LOG_LEVELS, d.LOG_LEVELS),
    "egresses": (v.EGRESSES, d.EGRESSES),
    "separations": (get_args(v.Separation), d.SEPARATIONS),
    "questions": (v.QUESTIONS, d.QUESTIONS),
    "methods": (get_args(v.Method), d.METHODS),
    "confidences": (get_args(v.Confidence), d.CONFIDENCES),
    "verdicts": (v.VERDICTS, d.CHANGES),
    "version steps": (get_args(v.VersionStep), d.VERSION_STEPS),
}


@pytest.mark.parametrize("name", SAME_ORDER)
def test_the_words_of_the_intent_are_those_of_the_opa_input(name: str) -> None:
    ours, theirs = SAME_ORDER[name]
    assert tuple(ours) == tuple(theirs)


def test_routings_are_the_same_words_but_ordered_by_capability() -> None:
    assert set(v.ROUTINGS) == set(d.ROUTINGS)
    assert v.ROUTINGS == ("single-model", "fallback", "heterogeneous")


def test_the_one_schema_name() -> None:
    assert get_args(v.SchemaName) == (v.SCHEMA,)
