from __future__ import annotations

from bspec_opa.foundation.suggest import did_you_mean, nearest


def test_a_misspelt_name_has_its_near_one() -> None:
    assert nearest("producton", ["staging", "production"]) == "production"
    assert did_you_mean("producton", ["staging", "production"]) == 'did you mean "production"?'


def test_a_far_name_gets_all_known_ones_sorted_and_once() -> None:
    assert nearest("zzz", ["staging", "production"]) is None
    assert did_you_mean("zzz", ["staging", "production", "staging"]) == "known: production, staging"


def test_without_known_names_there_is_nothing_to_say() -> None:
    assert did_you_mean("zzz", []) == ""


def test_a_huge_name_is_cut_before_it_is_compared() -> None:
    assert nearest("a" * 200 + "b" * 1_000_000, ["a" * 200]) == "a" * 200


def test_of_a_whole_fleet_only_the_first_are_listed() -> None:
    fleet = [f"agent-{n:03}" for n in range(200)]
    assert did_you_mean("zzz", fleet[:30]) == "known: " + ", ".join(fleet[:30])
    assert did_you_mean("zzz", fleet) == "known: " + ", ".join(fleet[:30]) + ", … (200 in all)"
