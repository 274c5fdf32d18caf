"""What somebody who wrote a range in another dialect meant; loaded only to word a refusal. Pure."""

from __future__ import annotations

import re

_N = r"(?:0|[1-9][0-9]{0,14})"
_CARET = re.compile(rf"\^({_N}(?:\.{_N}){{0,2}})")
_TILDE = re.compile(rf"~>?({_N}(?:\.{_N}){{0,2}})")
_COMPATIBLE = re.compile(rf"~=({_N}(?:\.{_N}){{1,2}})")
_WILDCARD = re.compile(rf"(?:==?)?({_N}(?:\.{_N})?)(?:\.[*xX]){{1,2}}")
_UNEQUAL = re.compile(rf"!=({_N}(?:\.{_N}){{0,2}})")
_BARE = re.compile(rf"=?(v?{_N}(?:\.{_N}){{0,2}}(?:[-+][0-9A-Za-z.+-]+)?)")
_FORMS = 'write comparators joined by commas, such as ">=2.0,<3", or "==" and one release'


def equivalent(text: str) -> str:
    """A hint: the same range in the accepted form where there is one, the accepted forms otherwise."""
    stripped = re.sub(r"\s*,\s*", ",", text.strip())
    stripped = re.sub(r"([<>=~^!])\s+", r"\1", stripped)
    stripped = re.sub(r"\s+", ",", stripped)
    meant = [_one(part) for part in stripped.split(",")]
    if stripped in {"*", "x", "X"}:
        return 'write ">=0" for every release'
    if (unequal := _UNEQUAL.fullmatch(stripped)) is not None:
        return f'a range has no gaps: write "<{unequal[1]}" or ">{unequal[1]}"'
    if "" in meant or ",".join(meant) == text or ("," in stripped and any("==" in part for part in meant)):
        return _FORMS
    return f'write "{",".join(meant)}"'


def _one(part: str) -> str:
    """One comparator in the accepted form; empty if there is none."""
    if (caret := _CARET.fullmatch(part)) is not None:
        return _until(caret[1], _caret_place(caret[1]))
    if (tilde := _TILDE.fullmatch(part)) is not None:
        return _until(tilde[1], min(1, tilde[1].count(".")))
    if (compatible := _COMPATIBLE.fullmatch(part)) is not None:
        return _until(compatible[1], compatible[1].count(".") - 1)
    if (wildcard := _WILDCARD.fullmatch(part)) is not None:
        return _until(wildcard[1], wildcard[1].count("."))
    if (bare := _BARE.fullmatch(part)) is not None:
        return f"=={bare[1]}"
    return part if re.fullmatch(rf"(>=|>|<=|<){_N}(\.{_N}){{0,2}}|==[^,]+", part) else ""


def _caret_place(version: str) -> int:
    """Which number may not rise: the first that is not 0, or the last."""
    numbers = version.split(".")
    return next((i for i, n in enumerate(numbers) if n != "0"), len(numbers) - 1)


def _until(version: str, place: int) -> str:
    """From a version up to, but without, the next value of one of its numbers."""
    numbers = version.split(".")
    end = [*numbers[:place], str(int(numbers[place]) + 1)]
    return f">={version},<{'.'.join(end)}"
