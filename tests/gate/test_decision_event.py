"""Masks, against a real OPA's: the same documents and masks have the same events."""

from __future__ import annotations

import http.client
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from collecting import Collector, collecting
from sidecars import opa_server

from bspec_opa.gate.decision_event import Asked, decision_event

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject

ECHO = """package system.log

mask := input.input.masks
"""
ANSWER = """package bspec.gate

decision := input.document
"""


def remove(path: str) -> JsonObject:
    return {"op": "remove", "path": path, "value": ""}


def upsert(path: str, value: str = "new") -> JsonObject:
    return {"op": "upsert", "path": path, "value": value}


def event_of(document: Any, *masks: JsonObject) -> Any:
    """Ours, for a question as the echoing policy wants it."""
    question: JsonObject = {"document": document, "masks": list(masks)}
    asked = Asked("d", {"id": "i"}, "bspec", "r", "bspec/gate/decision", question, document, "us", "now", {"x": 1})
    return decision_event(asked, masks)


DOCUMENT: Any = {"a": {"b": 1, "c": [1, 2, [3, 4]]}, "n": None, "s": "text", "l": [{"x": 1}, {"x": 2}]}
MASKS = {
    "a member": [remove("/result/a/b")],
    "a whole part": [remove("/result"), remove("/result/a")],
    "nothing there": [remove("/result/z"), remove("/result/s/x"), remove("/result/n/x"), remove("/result/l/9")],
    "items of a list, one after the other": [remove("/result/l/0"), remove("/result/l/0"), remove("/result/l/0")],
    "an item in a list in a list": [remove("/result/a/c/2/0")],
    "odd positions": [
        remove("/result/l/-1"),
        remove("/result/l/01"),
        remove("/result/a/c/x"),
        remove("/result/a/c/-0"),
    ],
    "a new value": [upsert("/result/a/b"), upsert("/result/l/1/x"), upsert("/result/a/c/0")],
    "a new member": [upsert("/result/new/deep/er"), upsert("/result/a/d")],
    "no new item": [upsert("/result/l/2"), upsert("/result/l/5/x"), upsert("/result/s/x"), upsert("/result/n/x")],
    "the whole part anew": [upsert("/result", "gone"), remove("/result/a"), upsert("/result/a")],
    "both parts": [remove("/input/document/s"), upsert("/result/s")],
    "the same twice": [remove("/result/s"), remove("/result/s"), upsert("/result/s"), remove("/result/s")],
}


@pytest.mark.parametrize("name", MASKS)
def test_what_is_done_is_listed(name: str) -> None:
    """What the event says of its masks is what differs from one without any."""
    masked, plain = event_of(DOCUMENT, *MASKS[name]), event_of(DOCUMENT)
    listed = {p.split("/")[1] for p in (*masked.get("erased", ()), *masked.get("masked", ()))}
    plain["input"]["masks"] = list(MASKS[name])
    assert {p for p in ("input", "result") if masked.get(p) != plain[p]} == listed


def test_the_decision_itself_is_not_changed() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    event_of(document, *(m for masks in MASKS.values() for m in masks))
    assert document == DOCUMENT


def some_document(chance: random.Random, depth: int = 3) -> Any:
    kind = chance.randrange(6 if depth else 3)
    if kind < 3:
        return [None, 7, "text"][kind]
    if kind == 3:
        return [some_document(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {name: some_document(chance, depth - 1) for name in chance.sample("abc01", chance.randrange(5))}


def some_masks(chance: random.Random) -> list[JsonObject]:
    paths = [
        "/".join(
            ["/result", *(chance.choice(["a", "b", "c", "0", "1", "-0", "01"]) for _ in range(chance.randrange(4)))]
        )
        for _ in range(chance.randrange(6))
    ]
    return [chance.choice([remove, upsert])(p) for p in paths]


def test_a_real_opa_masks_the_same(tmp_path: Path, opa_path: Path) -> None:
    chance = random.Random(20260601)  # noqa: S311 - the same documents every time
    questions = [(DOCUMENT, masks) for masks in MASKS.values()]
    questions += [(some_document(chance), some_masks(chance)) for _ in range(400)]
    for name, text in (("log.rego", ECHO), ("gate.rego", ANSWER)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    authority = Authority(tmp_path, "CA")
    with collecting(Collector({"/logs": "t"}, {}), serving(authority.issue("127.0.0.1"))) as collector:
        service = {"url": f"https://{collector.host}", "tls": {"ca_cert": str(authority.file)}}
        reporting = {"min_delay_seconds": 1, "max_delay_seconds": 1}
        config = {
            "services": {"c": {**service, "credentials": {"bearer": {"token": "t"}}}},
            "decision_logs": {"service": "c", "reporting": reporting},
        }
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        options = [str(tmp_path / n) for n in ("log.rego", "gate.rego")]
        with opa_server(opa_path, None, f"--config-file={tmp_path / 'config.json'}", *options) as (url, _):
            connection = http.client.HTTPConnection(url.removeprefix("http://"))
            for document, masks in questions:
                body = json.dumps({"input": {"document": document, "masks": masks}})
                connection.request("POST", "/v1/data/bspec/gate/decision", body)
                assert connection.getresponse().read() is not None
            connection.close()
            collector.wait_for(lambda: len(collector.events) >= len(questions))
    compared = ("input", "result", "erased", "masked")
    theirs = [{k: e[k] for k in compared if k in e} for e in collector.events]
    made = [event_of(document, *masks) for document, masks in questions]
    assert [{k: e[k] for k in compared if k in e} for e in made] == theirs
    assert sum("erased" in e for e in theirs) > 100
    assert sum("masked" in e for e in theirs) > 100
