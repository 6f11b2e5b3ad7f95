"""What the database tells of the broker's backlog, read each time that somebody asks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from broker.audit.lag import log_lags
from broker.clock import Clock
from broker.errors import StorageUnavailable
from broker.events.lag import delivery_lag, task_lags
from broker.metrics.table import (
    CHECKPOINT_AGE,
    DATABASE_UP,
    EVENTS_DEAD,
    EVENTS_LAG,
    EVENTS_WAITING,
    TABLE,
    TASKS_LAG,
    TASKS_WAITING,
    WITNESS_BEHIND,
    WITNESS_LAG,
    Metric,
)
from broker.storage.engine import Database

_Row = tuple[Metric, tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Stored(Collector):
    """Reads the backlog of tasks, events and witnesses. Without the database it says that there is none."""

    database: Database
    clock: Clock
    witnesses: tuple[str, ...]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return every metric that the database tells, with its rows."""
        try:
            with self.database.read() as session:
                rows = [*_rows(session, self.clock(), self.witnesses), (DATABASE_UP, (), 1.0)]
        except StorageUnavailable:
            rows = [(DATABASE_UP, (), 0.0)]
        families = {metric: _family(metric) for metric in TABLE if metric.is_stored}
        for metric, labels, value in rows:
            families[metric].add_metric(labels, value)
        return families.values()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without rows, so that nobody asks the database for their names."""
        return [_family(metric) for metric in TABLE if metric.is_stored]


def _family(metric: Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.told, labels=metric.labels)


def _rows(session: Session, now: datetime, witnesses: tuple[str, ...]) -> Iterator[_Row]:
    for task in task_lags(session, now):
        yield TASKS_WAITING, (task.kind,), task.waiting
        yield TASKS_LAG, (task.kind,), task.lag_s
    events = delivery_lag(session, now)
    yield EVENTS_WAITING, (), events.waiting
    yield EVENTS_LAG, (), events.lag_s
    yield EVENTS_DEAD, (), events.dead
    for log in log_lags(session, witnesses, now):
        yield CHECKPOINT_AGE, (log.owner,), log.age_s
        for lag in log.witnesses:
            yield WITNESS_BEHIND, (log.owner, lag.witness), lag.behind
            yield WITNESS_LAG, (log.owner, lag.witness), lag.lag_s
