"""What Prometheus scrapes: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from bspec_opa.bundle.serving.edition import Shelf

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NO_BUNDLE = ""
"""The label of requests for anything that isn't a served bundle: names that clients make up must not become labels."""


class Metrics:
    """Counters of one server, and its shelf as it is when somebody asks."""

    def __init__(self, shelf: Shelf) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which says when it was made
        self._registry = CollectorRegistry()
        self._registry.register(_State(shelf))
        self.requests = Counter(
            "bspec_serve_requests", "Answers by bundle and HTTP status.", ["bundle", "code"], registry=self._registry
        )
        self.switches = Counter(
            "bspec_serve_switches", "Editions that became current.", ["bundle"], registry=self._registry
        )
        self.refused = Counter(
            "bspec_serve_refused_candidates",
            "Files that were not good, by reason; the edition before stayed.",
            ["bundle", "reason"],
            registry=self._registry,
        )
        self.polls = Gauge("bspec_serve_open_long_polls", "Requests that wait.", ["bundle"], registry=self._registry)
        self.connections = Gauge("bspec_serve_connections", "Open connections.", registry=self._registry)
        self.turned_away = Counter(
            "bspec_serve_connections_turned_away",
            "Connections that were closed because there were too many.",
            registry=self._registry,
        )

    def render(self) -> bytes:
        """All of it, in the text format."""
        return generate_latest(self._registry)


class _State(Collector):
    """What is current, read off the shelf: an edition that was replaced leaves no series behind."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def describe(self) -> Iterator[Metric]:
        """Nothing is known beforehand."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One sample a bundle."""
        info = GaugeMetricFamily(
            "bspec_serve_bundle_info", "The current edition.", labels=["bundle", "revision", "digest"]
        )
        loaded = GaugeMetricFamily("bspec_serve_bundle_loaded", "Whether there is an edition.", labels=["bundle"])
        since = GaugeMetricFamily(
            "bspec_serve_last_switch_timestamp_seconds", "When it became current.", labels=["bundle"]
        )
        size = GaugeMetricFamily("bspec_serve_bundle_bytes", "Of the archive as it is sent.", labels=["bundle"])
        sequence = GaugeMetricFamily(
            "bspec_serve_bundle_sequence", "What its verified signature says.", labels=["bundle"]
        )
        for name, edition in self._shelf.editions.items():
            loaded.add_metric([name], edition is not None)
            if edition is not None:
                info.add_metric([name, edition.revision, edition.digest], 1)
                since.add_metric([name], edition.since)
                size.add_metric([name], len(edition.archive))
                if edition.sequence is not None:
                    sequence.add_metric([name], edition.sequence)
        yield from (info, loaded, since, size, sequence)
