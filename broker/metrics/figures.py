"""Counts what happens in the server processes of this machine, each in files of its own that are added up when asked.

This module is imported when there is a folder for the files (`open_figures`): prometheus_client looks for it once.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import mark_process_dead

from broker.metrics.table import (
    BANK_SECONDS,
    BATCH_ENTRIES,
    COMMIT_SECONDS,
    ENTRIES_WAITING,
    ENTRY_SECONDS,
    FENCE_SECONDS,
    IN_HAND,
    LOCK_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    SHED,
    Metric,
)


class Figures:
    """The counters of one process. Counting takes a lock for an addition in memory, and never waits for a disk."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(REQUESTS.name, REQUESTS.told, REQUESTS.labels, registry=self._registry)
        self._request_seconds = self._histogram(REQUEST_SECONDS)
        self._in_hand = self._gauge(IN_HAND)
        self._shed = Counter(SHED.name, SHED.told, registry=self._registry)
        self._entries_waiting = self._gauge(ENTRIES_WAITING)
        self._batch_entries = self._histogram(BATCH_ENTRIES)
        self._lock_seconds = self._histogram(LOCK_SECONDS)
        self._commit_seconds = self._histogram(COMMIT_SECONDS)
        self._entry_seconds = self._histogram(ENTRY_SECONDS)
        self._fence_seconds = self._histogram(FENCE_SECONDS)
        self._bank_seconds = self._histogram(BANK_SECONDS)

    def request(self, seconds: float, *, route: str, method: str, status: str, decision: str, code: str) -> None:
        """Count an answered request."""
        self._requests.labels(route, method, status, decision, code).inc()
        self._request_seconds.labels(route).observe(seconds)

    def took(self) -> None:
        """Count a request that was taken on."""
        self._in_hand.inc()

    def answered(self) -> None:
        """Count a request as no longer in hand."""
        self._in_hand.dec()

    def shed(self) -> None:
        """Count a request that was refused because there were too many."""
        self._shed.inc()

    @staticmethod
    def ended(pid: int) -> None:
        """Forget what a process had in hand that is no more; what it has counted stays."""
        mark_process_dead(pid)  # type: ignore[no-untyped-call] # the library does not say

    def entry_waits(self) -> None:
        """Count an entry that is to be written."""
        self._entries_waiting.inc()

    def entry_ended(self, seconds: float) -> None:
        """Count an entry that is durable, or could not be written."""
        self._entries_waiting.dec()
        self._entry_seconds.observe(seconds)

    def batch(self, entries: int, *, lock_s: float, commit_s: float) -> None:
        """Count a commit of so many entries."""
        self._batch_entries.observe(entries)
        self._lock_seconds.observe(lock_s)
        self._commit_seconds.observe(commit_s)

    def fence(self, seconds: float, *, hold: str, outcome: str) -> None:
        """Count a fence that was waited for."""
        self._fence_seconds.labels(hold, outcome).observe(seconds)

    def bank(self, seconds: float, *, bank: str, outcome: str) -> None:
        """Count a call of a bank."""
        self._bank_seconds.labels(bank, outcome).observe(seconds)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.told, metric.labels, registry=self._registry, multiprocess_mode="livesum")

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.told, metric.labels, registry=self._registry, buckets=metric.buckets)
