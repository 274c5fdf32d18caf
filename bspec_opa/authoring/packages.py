"""Packages as Rego writes them, from the folders that they are named after."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


def data_path(folder: str) -> str:
    """``data.bspec.rules.promotion["pre-prod"].x`` from ``bspec/rules/promotion/pre-prod/x``."""
    return "data" + "".join(f".{p}" if _PLAIN.match(p) else f'["{p}"]' for p in folder.split("/"))


def package_of_tests(file: str) -> str:
    """The package of a file of tests, which the build has held against its folder."""
    return data_path(f"{file.rpartition('/')[0]}_test")
