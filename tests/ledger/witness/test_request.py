from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import EXAMPLE, head
from world import key_of, refused

from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.ledger.witness.request import AddCheckpoint, parse_cosignatures, parse_request, parse_size

HEAD = head(12)
HASHES = [base64.b64encode(bytes([n]) * 32).decode() for n in range(64)]
# The example of C2SP tlog-witness.
BODY = f"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

{EXAMPLE}"""
LINES = sign_cosignature(HEAD, "w1", key_of("w1"), 7).line() + "\n"


def test_the_example_of_the_specification_is_read_and_written() -> None:
    request = parse_request(BODY.encode())
    assert (request.old, len(request.proof), request.checkpoint.size) == (20_852_014, 4, 20_852_163)
    assert request.to_bytes() == BODY.encode()


@given(
    old=st.integers(0, 10**15 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63),
)
def test_what_is_written_is_read(old: int, proof: list[bytes]) -> None:
    request = AddCheckpoint(old, tuple(proof), HEAD)
    assert parse_request(request.to_bytes()) == request


NOTE = HEAD.to_bytes().decode()
BAD = {
    "nothing": "",
    "no old size": f"\n\n{NOTE}",
    "a checkpoint alone": NOTE,
    "leading zero": f"old 01\n\n{NOTE}",
    "negative": f"old -1\n\n{NOTE}",
    "plus": f"old +1\n\n{NOTE}",
    "other digits": f"old \u0661\n\n{NOTE}",
    "too large": f"old {10**15}\n\n{NOTE}",
    "two spaces": f"old  1\n\n{NOTE}",
    "trailing space": f"old 1 \n\n{NOTE}",
    "no empty line": f"old 1\n{NOTE}",
    "carriage returns": f"old 1\r\n\r\n{NOTE}",
    "64 hashes": "old 1\n" + "".join(f"{h}\n" for h in HASHES) + f"\n{NOTE}",
    "a short hash": f"old 1\nAAAA\n\n{NOTE}",
    "loose base64": f"old 1\n{HASHES[0][:-2]}B=\n\n{NOTE}",
    "no base64": f"old 1\n{'*' * 44}\n\n{NOTE}",
    "no checkpoint": "old 1\n\n",
    "unsigned": f"old 1\n\n{HEAD.text.decode()}",
    "cut off": f"old 1\n\n{NOTE[:-1]}",
    "more behind": f"old 1\n\n{NOTE}\n",
    "an extension line": f"old 1\n\n{NOTE.replace(chr(10) * 2, chr(10) + 'more' + chr(10) * 2, 1)}",
}


@pytest.mark.parametrize("case", BAD)
def test_everything_else_is_refused(case: str) -> None:
    with refused("witness.bad-request"):
        parse_request(BAD[case].encode())


@given(st.binary(max_size=300))
def test_no_bytes_bring_a_traceback(data: bytes) -> None:
    with refused("witness.bad-request"):
        parse_request(b"old 1\n\n" + data)


def test_cosignatures_are_lines_with_their_ends() -> None:
    assert [s.line() + "\n" for s in parse_cosignatures(LINES.encode())] == [LINES]
    assert len(parse_cosignatures((LINES * 16).encode())) == 16
    for bad in (
        "",
        "\n",
        LINES[:-1],
        f"{LINES}\n",
        f"\n{LINES}",
        LINES * 17,
        f"{LINES}x",
        "w1+da77ade7+BOvN",
        "\ud83d",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is said
            parse_cosignatures(bad.encode("utf-8", "surrogatepass"))


def test_a_size_is_one_decimal_line() -> None:
    assert parse_size(b"20852014\n") == 20_852_014
    for bad in (b"", b"1", b"01\n", b"-1\n", b" 1\n", b"1\n\n", b"1" * 16 + b"\n", b"\xff\n"):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is said
            parse_size(bad)
