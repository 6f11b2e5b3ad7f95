"""How long a decision takes: `python -m tests.bench.deciding [--rounds N]`; also `make bench`.

A release is judged twice in each call, so its decision is measured: with the shipped policies, and with 1,000 banks.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from broker.policy import Catalogue, PlatformFacts, decide
from broker.policy.contexts import ReleaseContext
from broker.policy.loading import load_catalogue
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.settings import default_policies_dir
from tests.support.nothing_stops import NOTHING_GATHERED, NOTHING_READ

_MOST_MS = 0.3
_BANKS = 1_000


def measured_ms(catalogue: Catalogue, contexts: list[ReleaseContext], rounds: int) -> tuple[float, float]:
    """Return median and 99th percentile of one decision, in ms, after each context was judged once."""
    for context in contexts:
        assert decide(catalogue, context).is_allowed, context
    taken = []
    for context, _ in zip(cycle(contexts), range(rounds), strict=False):
        started = time.perf_counter()
        decide(catalogue, context)
        taken.append((time.perf_counter() - started) * 1_000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[-1]


def of_banks(catalogue: Catalogue) -> Iterator[ReleaseContext]:
    """Ask for one live grant at each bank."""
    purposes, categories = frozenset(catalogue.purposes), frozenset(catalogue.categories)
    for bank in catalogue.banks.values():
        yield ReleaseContext(
            platform=PlatformFacts("messenger", purposes, categories),
            status=GrantStatus.ACTIVE,
            is_expired=False,
            purpose="chat_banking",
            bank_id=bank.bank,
            bank=bank,
            category="balances",
            term=CategoryTerm("balances"),
            category_state=ClusterState.ACTIVE,
            token_categories=categories,
            account_states={"current": ClusterState.ACTIVE, "savings": ClusterState.ACTIVE},
            off=frozenset(),
            reads=NOTHING_READ,
            harvest=NOTHING_GATHERED,
        )


def with_banks(folder: Path, count: int) -> Catalogue:
    """Load a copy of the shipped policies with that many banks besides."""
    copy = Path(shutil.copytree(default_policies_dir(), folder / "policies"))
    facts = (copy / "banks" / "harbor.yaml").read_text()
    for number in range(count):
        (copy / "banks" / f"bank-{number}.yaml").write_text(facts.replace("bank: harbor", f"bank: bank-{number}"))
    return load_catalogue(copy)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.deciding")
    parser.add_argument("--rounds", type=int, default=20_000)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    shipped = load_catalogue(default_policies_dir())
    one = next(of_banks(shipped))
    with tempfile.TemporaryDirectory(prefix="deciding-") as folder:
        many = with_banks(Path(folder), _BANKS)
    for words, catalogue, contexts in (
        ("with the shipped policies", shipped, [one]),
        (f"with {len(many.banks):,} banks", many, list(of_banks(many))),
    ):
        median, late = measured_ms(catalogue, contexts, rounds)
        about = f"{words}, {len(catalogue.engine.rulebook.rules)} rules: {median:.3f} ms, p99 {late:.3f} ms"
        met = "met" if median <= _MOST_MS else "NOT met"
        print(f"deciding    {about} (goal <= {_MOST_MS:g} ms): {met}")  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
