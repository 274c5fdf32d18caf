"""Lock lines for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from world import key_of

from bspec_opa.foundation.digest import digest_json
from bspec_opa.lock.chain import next_place
from bspec_opa.lock.line import LockLine, build_line_statement, parse_line
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope

if TYPE_CHECKING:
    from world import World

    from bspec_opa.foundation.canonical import JsonObject, JsonValue


class Locksmith:
    """Makes lines that follow each other, and lines that don't."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lines: list[LockLine] = []

    @property
    def data(self) -> bytes:
        return b"".join(line.record for line in self.lines)

    def line(self, environment: str = "staging", kind: str = "promotion", **changes: JsonValue) -> LockLine:
        """The next line, not added; members of its predicate can be given."""
        place = next_place(self.lines, environment)
        own: JsonObject = {
            "environment": environment,
            "seq": place.seq,
            "previous": place.previous,
            "base": place.base,
            **changes,
        }
        predicate = self.world.predicate(kind) | own
        statement = build_line_statement(predicate, intent_digest=self.world.INTENT, artifacts=())
        envelope = sign_envelope(statement.payload(), IN_TOTO_PAYLOAD_TYPE, [key_of("gate")])
        return parse_line(envelope.to_bytes(), "new line")

    def add(self, environment: str = "staging", kind: str = "promotion", **changes: JsonValue) -> LockLine:
        self.lines.append(self.line(environment, kind, **changes))
        return self.lines[-1]

    def binding(self, label: str) -> JsonObject:
        return {"models": [], "tools": [], "components": [{"id": label, "digest": digest_json(label)}]}
