"""How the log and its projections do, in the text format of Prometheus: read from the database when it is asked for."""

from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from eventstore import log
from eventstore.persistence import rows
from projections.projection import known
from projections.status import MOST, STRETCH, Status, alerts, statuses

CONTENT_TYPE = CONTENT_TYPE_LATEST

OF_A_PROJECTION: dict[str, tuple[str, Callable[[Status], float]]] = {
    "position": ("The last event that it has seen; of several parts, the last part's.", lambda s: s.position),
    "behind_events": (
        f"Events that it has not seen, as far as {MOST} of them and {STRETCH} positions.",
        lambda s: s.behind_events,
    ),
    "behind_seconds": ("Since the first of them was recorded.", lambda s: s.behind_seconds),
    "stopped": ("1: it cannot go on.", lambda s: bool(s.error)),
    "paused": ("1: somebody has paused it.", lambda s: s.paused_at is not None),
    "parked_events": ("Events that it could not apply.", lambda s: s.parked),
    "rebuilding": ("1: its tables are being built anew.", lambda s: s.rebuilding is not None),
}


def written() -> bytes:
    return generate_latest(registry)


class Database(Collector):
    """One registry, and no counters: each process that is asked answers the same."""

    def describe(self) -> list[Metric]:
        return []  # nothing is read when it is registered

    def collect(self) -> Iterator[Metric]:
        yield gauge("log_horizon_position", "Up to which the log is complete.", log.horizon())
        ((last,),) = rows("SELECT coalesce(max(position), 0) FROM eventstore_event")
        yield gauge("log_last_position", "Of the last event.", last)
        ages = [holder.age.total_seconds() for holder in log.holders()]
        yield gauge(
            "log_holder_age_seconds", "Of the oldest transaction that holds the horizon back.", max(ages, default=0)
        )
        found = statuses(known().values())
        for name, (what, value) in OF_A_PROJECTION.items():
            family = GaugeMetricFamily(f"daybook_projection_{name}", what, labels=["projection"])
            for status in found:
                family.add_metric([status.name], float(value(status)))
            yield family
        wrong = GaugeMetricFamily(
            "daybook_projection_alert", "1: this is wrong with it.", labels=["projection", "kind"]
        )
        for alert in alerts(found):
            wrong.add_metric([alert.projection, alert.kind], 1)
        yield wrong


def gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"daybook_{name}", what, value=value)


registry = CollectorRegistry()
registry.register(Database())
