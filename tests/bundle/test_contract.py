from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from policy_tree import allowed, full, organisation_data

from bspec_opa.bundle.contract import __main__ as contract
from bspec_opa.bundle.contract.decision import answer_schema
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.contract.organisation import build_schema, organisation_schema
from bspec_opa.foundation.closed_schema import violations

SCHEMAS = Path(contract.__file__).parent / "schemas"


def test_the_published_schemas_are_those_of_the_code() -> None:
    assert {p.name: p.read_text() for p in SCHEMAS.iterdir()} == contract.rendered()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(contract, "__file__", str(tmp_path / "x.py"))
    assert contract.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [f"{n} is stale: run make schemas" for n in contract.rendered()]
    assert contract.main([]) == 0
    assert contract.main(["--check"]) == 0
    assert {p.name: p.read_text() for p in (tmp_path / "schemas").iterdir()} == contract.rendered()


@pytest.mark.parametrize("make", [input_schema, organisation_schema, build_schema, answer_schema])
def test_schemas_are_schemas(make: object) -> None:
    Draft202012Validator.check_schema(make())  # type: ignore[operator]


def test_samples_fit() -> None:
    assert violations(input_schema(), allowed()) == []
    assert violations(input_schema(), full()) == []
    assert violations(organisation_schema(), organisation_data()) == []


def test_the_published_schemas_look_nothing_up() -> None:
    for text in contract.rendered().values():
        references = [line for line in text.splitlines() if '"$ref"' in line]
        assert all('"#/$defs/' in line for line in references)
        assert json.loads(text)["additionalProperties"] is False
