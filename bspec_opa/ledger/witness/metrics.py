"""What Prometheus scrapes of a witness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.ledger.checkpoint import Checkpoint


class Metrics:
    """Counters of one witness, and how large the trees are that it knows."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which says when it was made
        self._registry = CollectorRegistry()
        self.requests = Counter("bspec_witness_requests", "Answers by HTTP status.", ["code"], registry=self._registry)
        self.misbehaved = Counter(
            "bspec_witness_misbehaved_logs",
            "Signed checkpoints of as many entries as one before, with another root.",
            ["log"],
            registry=self._registry,
        )
        self.unproven = Counter(
            "bspec_witness_unproven_checkpoints",
            "Signed checkpoints that came without a proof that they go on from the one before.",
            ["log"],
            registry=self._registry,
        )
        self.size = Gauge("bspec_witness_tree_size", "Of what was cosigned last.", ["log"], registry=self._registry)
        self.turned_away = Counter(
            "bspec_witness_connections_turned_away",
            "Connections that were closed because there were too many.",
            registry=self._registry,
        )

    def know(self, known: Mapping[str, Checkpoint]) -> None:
        """The trees as they are remembered."""
        for origin, checkpoint in known.items():
            self.size.labels(origin).set(checkpoint.size)

    def render(self) -> bytes:
        """All of it, in the text format."""
        return generate_latest(self._registry)
