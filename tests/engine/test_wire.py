"""JSON out and in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.engine.wire import MAX_REQUEST_DEPTH, parse_reply, require_defined, wire_json
from bspec_opa.foundation.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from bspec_opa.engine.embedded import EmbeddedEngine


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_form() -> None:
    value: Any = {"z": [True, None, -1], "a": "\u20ac\n\U00020000", "": {}}
    assert wire_json(value) == '{"":{},"a":"\u20ac\\n\U00020000","z":[true,null,-1]}'.encode()


CANT_BE_SENT: list[Any] = [
    1.5,
    float("nan"),
    float("inf"),
    10**15,
    -(10**15),
    "\ud800",
    {"\udfff": 1},
    {1: "number as name"},
    (1, 2),
    b"bytes",
    {"set": {1}},
    nested(MAX_REQUEST_DEPTH + 1),
    nested(100_000),
]


@pytest.mark.attack("A66")
@pytest.mark.parametrize("value", CANT_BE_SENT, ids=range(len(CANT_BE_SENT)))
def test_refuses_what_engines_could_read_differently(value: Any) -> None:
    with pytest.raises(EngineError) as caught:
        wire_json({"deep": [value]} if value is not CANT_BE_SENT[-2] else value)
    assert (caught.value.code, caught.value.exit_code) == ("engine.unsendable", ExitCode.ENGINE)


def test_sends_up_to_the_limits() -> None:
    assert wire_json(nested(MAX_REQUEST_DEPTH)) == b"[" * MAX_REQUEST_DEPTH + b"1" + b"]" * MAX_REQUEST_DEPTH
    assert wire_json([10**15 - 1, -(10**15) + 1]) == b"[999999999999999,-999999999999999]"


REPLIES = {
    "duplicate member": b'{"result": {"a": 1}, "result": {"a": 2}}',
    "trailing bytes": b'{"result": {}} {"result": {}}',
    "not a number": b'{"result": NaN}',
    "infinite": b'{"result": -Infinity}',
    "fraction": b'{"result": 1.5}',
    "huge": b'{"result": 1000000000000000000}',
    "cut off": b'{"result": {"a"',
    "empty": b"",
    "HTML": b"<html></html>",
    "not UTF-8": b'{"result": "\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"result": 1}',
    "UTF-16": '{"result": 1}'.encode("utf-16"),
    "lone surrogate": b'{"result": "\\ud800"}',
    "nested": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.attack("A24")
@pytest.mark.parametrize("name", REPLIES)
def test_reply_is_strict_json(name: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse_reply(REPLIES[name], "the server")
    assert caught.value.code == "engine.bad-reply"


@pytest.mark.attack("A71")
def test_message_repeats_nothing_of_the_reply() -> None:
    with pytest.raises(EngineError) as caught:
        parse_reply(b'{"s3cret": 1, "s3cret": 2}', "the server")
    assert "s3cret" not in str(caught.value)


def test_machines_may_write_any_character() -> None:
    assert parse_reply('["\u202e\\u0000e\u0301"]'.encode(), "the server") == ["\u202e\0e\u0301"]


@pytest.mark.attack("A21")
@pytest.mark.parametrize("value", [None, {}])
def test_nothing_is_undefined(value: Any) -> None:
    with pytest.raises(EngineError) as caught:
        require_defined(value, "the server")
    assert (caught.value.code, caught.value.exit_code) == ("engine.undefined", ExitCode.ENGINE)


@pytest.mark.parametrize("value", [False, True, 0, "", [], {"allow": False}])
def test_anything_else_is_for_the_verdict(value: Any) -> None:
    assert require_defined(value, "the server") is value


def test_every_character_reaches_the_guest(gate: EmbeddedEngine) -> None:
    """OPA's WebAssembly gets escaped surrogate pairs wrong: U+20000 would arrive as U+10000."""
    characters = [chr(c) for c in range(0, 0x110000, 61) if not 0xD800 <= c < 0xE000]
    nonce: dict[str, Any] = {f"{c}{i}": c for i, c in enumerate(characters)}
    found = gate.decide({"nonce": nonce, "environment": "staging", "tools": []}).decision
    assert isinstance(found, dict)
    assert found["nonce"] == nonce
