"""Rego whose reviewer sees what the compiler reads: nothing hidden, no second spelling (attack A37).

A bidirectional control shows a condition as a comment, a lone carriage return a comment as a condition, and text in
another normalization form than the input's equals nothing that it looks like: the rule is quiet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.text import Source, check_visible
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.foundation.errors import Problem


def hidden_problems(files: Mapping[str, bytes]) -> Iterator[Problem]:
    """Every character of Rego files that a reviewer can't see or that has a twin; tabs indent Rego."""
    for name, data in files.items():
        # What is no UTF-8 is for OPA's parser to refuse.
        source = Source(name, data.decode("utf-8", "replace"))
        try:
            check_visible(source, json=True)
        except InvalidInputError as e:
            yield from (replace(p, rule="layout/hidden-character") for p in e.problems)
