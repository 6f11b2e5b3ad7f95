"""Gives every worker one processor, and spreads the workers over all of them.

Threads of one Python process take turns, and hand over at every statement and every byte read. Where two processors
share them, each turn begins on the other one: half of a call's time was that (ADR 0037).
"""

import os
from collections import Counter
from collections.abc import Iterable


def allowed() -> list[int]:
    """Return the processors that this process may use, none where the system cannot tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def chosen(pinning: str, workers: int, processors: Iterable[int], taken: Iterable[int | None]) -> int | None:
    """Return the processor for one more worker, the one that the fewest have; None when it may use all.

    By itself (`auto`) only where every processor gets a worker: who has more processors than workers shares the
    machine with others, who would choose the same ones.
    """
    free = list(processors)
    if pinning == "no" or not free or (pinning == "auto" and workers < len(free)):
        return None
    having = Counter(taken)
    return min(free, key=lambda one: having[one])


def keep_to(processor: int | None) -> None:
    """Keep this process, with its threads to come, on one processor; a system that refuses is let be."""
    if processor is not None:
        try:
            os.sched_setaffinity(0, {processor})
        except OSError:  # taken away from us meanwhile, as a container's limits may be
            return
