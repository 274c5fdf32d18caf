"""What a decision rests on, as an auditor wants to see it: read off the input that was decided on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject


@dataclass(frozen=True, slots=True, order=True)
class Approved:
    """One approval: its record, whose it is and for which role."""

    id: str
    principal: str
    role: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The records behind a decision.

    Attributes:
        intent: the intent's digest.
        binding: the binding's digest; empty where nothing is resolved.
        approvals: those in force that are about exactly this intent, binding, base, source, change and evidence.
        evaluations: record ids of the evaluation runs, sorted.
        waivers: record ids of the waivers in force, sorted.
    """

    intent: str
    binding: str
    approvals: tuple[Approved, ...]
    evaluations: tuple[str, ...]
    waivers: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """As ``bspec.evaluation/v1`` holds it."""
        return {
            "intent": self.intent,
            "binding": self.binding,
            "approvals": [{"id": a.id, "principal": a.principal, "role": a.role} for a in self.approvals],
            "evaluations": [*self.evaluations],
            "waivers": [*self.waivers],
        }


def proof_of(request: JsonObject) -> Proof:
    """The proof in an input.

    Args:
        request: a complete ``bspec.input/v1``.
    """
    given = cast("dict[str, Any]", request)
    return Proof(
        intent=given["intent"]["digest"],
        binding="".join(b["digest"] for b in given["binding"]),
        approvals=approved(a for a in given["approvals"] if _counts(a, given["now_unix"])),
        evaluations=tuple(sorted({run for pool in given["evidence"] for run in pool["runs"]})),
        waivers=tuple(sorted({w["id"] for w in given["waivers"]})),
    )


def proof_from(value: dict[str, Any]) -> Proof:
    """The proof that a ``bspec.evaluation/v1`` holds; its schema was checked."""
    approvals, runs, waivers = approved(value["approvals"]), tuple(value["evaluations"]), tuple(value["waivers"])
    return Proof(value["intent"], value["binding"], approvals, runs, waivers)


def approved(items: Iterable[dict[str, Any]]) -> tuple[Approved, ...]:
    """Approvals from records or lock lines, sorted."""
    return tuple(sorted(Approved(i["id"], i["principal"], i["role"]) for i in items))


def _counts(approval: dict[str, Any], now: int) -> bool:
    in_force = approval["expires_unix"] > now
    return approval["decision"] == "approve" and in_force and all(approval["binds"].values())
