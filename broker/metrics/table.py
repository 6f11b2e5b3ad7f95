"""The table of metrics: the name of each, what it tells, by what it is split."""

from dataclasses import dataclass
from enum import StrEnum

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ENTRIES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Kind(StrEnum):
    """What can be done with a metric: a counter only grows, a gauge is as it is now, a histogram counts by size."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `buckets` are the upper bounds of a histogram; `is_stored` says that the database tells it."""

    name: str
    kind: Kind
    told: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = _SECONDS
    is_stored: bool = False


REQUESTS = Metric(
    "broker_requests_total",
    Kind.COUNTER,
    "Requests that the application has answered.",
    ("route", "method", "status", "decision", "code"),
)
REQUEST_SECONDS = Metric("broker_request_seconds", Kind.HISTOGRAM, "Time until an answer was made.", ("route",))
IN_HAND = Metric("broker_requests_in_hand", Kind.GAUGE, "Requests taken on and not yet answered.")
SHED = Metric("broker_requests_shed_total", Kind.COUNTER, "Requests refused because there were too many.")
BATCH_ENTRIES = Metric("broker_log_batch_entries", Kind.HISTOGRAM, "Entries that shared one commit.", buckets=_ENTRIES)
LOCK_SECONDS = Metric("broker_log_lock_seconds", Kind.HISTOGRAM, "Time that a batch waited for the lock of its log.")
COMMIT_SECONDS = Metric("broker_log_commit_seconds", Kind.HISTOGRAM, "Time from the lock until a batch was durable.")
ENTRY_SECONDS = Metric(
    "broker_log_entry_seconds", Kind.HISTOGRAM, "Time that a call waited until its entry was durable."
)
ENTRIES_WAITING = Metric("broker_log_entries_waiting", Kind.GAUGE, "Entries that are not durable yet.")
FENCE_SECONDS = Metric("broker_fence_seconds", Kind.HISTOGRAM, "Time that a fence was waited for.", ("hold", "outcome"))
BANK_SECONDS = Metric("broker_bank_seconds", Kind.HISTOGRAM, "Time of a call of a bank.", ("bank", "outcome"))
DATABASE_UP = Metric("broker_database_up", Kind.GAUGE, "1 when the database can be read, else 0.", is_stored=True)
TASKS_WAITING = Metric("broker_tasks_waiting", Kind.GAUGE, "Tasks of the worker.", ("kind",), is_stored=True)
TASKS_LAG = Metric(
    "broker_tasks_lag_seconds", Kind.GAUGE, "How long the oldest task has been due.", ("kind",), is_stored=True
)
EVENTS_WAITING = Metric("broker_events_waiting", Kind.GAUGE, "Events that wait for a receiver.", is_stored=True)
EVENTS_LAG = Metric("broker_events_lag_seconds", Kind.GAUGE, "How long the oldest of them waits.", is_stored=True)
EVENTS_DEAD = Metric("broker_events_dead", Kind.GAUGE, "Events that were given up: dead letters.", is_stored=True)
CHECKPOINT_AGE = Metric(
    "broker_checkpoint_age_seconds", Kind.GAUGE, "Age of the newest checkpoint of a log.", ("log",), is_stored=True
)
WITNESS_BEHIND = Metric(
    "broker_witness_behind_entries",
    Kind.GAUGE,
    "Entries of a log that a witness has not cosigned.",
    ("log", "witness"),
    is_stored=True,
)
WITNESS_LAG = Metric(
    "broker_witness_lag_seconds",
    Kind.GAUGE,
    "Age of the oldest entry of a log that a witness has not cosigned.",
    ("log", "witness"),
    is_stored=True,
)

TABLE = (
    *(REQUESTS, REQUEST_SECONDS, IN_HAND, SHED),
    *(BATCH_ENTRIES, LOCK_SECONDS, COMMIT_SECONDS, ENTRY_SECONDS, ENTRIES_WAITING),
    *(FENCE_SECONDS, BANK_SECONDS),
    *(DATABASE_UP, TASKS_WAITING, TASKS_LAG, EVENTS_WAITING, EVENTS_LAG, EVENTS_DEAD),
    *(CHECKPOINT_AGE, WITNESS_BEHIND, WITNESS_LAG),
)
"""Every metric that there is, in the order of docs/reference/metrics.md."""
