"""`python -m tests.bench.growth.arithmetic`: what 100 million users need, as the table of docs/explanation/scale.md.

What is measured stands above, what is assumed below it; the rest is multiplication.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

# Measured with the loader and the benchmark of a call, see docs/explanation/scale.md.
ENTRY_BYTES = 2_600
"""On PostgreSQL: leaf, sealed details, hashes, and their indexes."""
GRANT_BYTES = 4_500
"""On PostgreSQL: a grant with its categories, accounts, notices, tokens and pseudonym, and their indexes."""
CALLS_A_CORE_S = 60
"""Audited calls a second on one core: 126 on two, which carried PostgreSQL, bank and load as well."""

# Assumed.
GRANTS_A_USER = 2.5
CALLS_A_USER_AND_DAY = 1.0
ENTRIES_A_CALL = 2
PEAK_OVER_MEAN = 4
CORES_A_MACHINE = 16
BUSY_SHARE = 0.5
COPIES = 3
DISK_EURO_TB_MONTH = 80
MACHINE_EURO_MONTH = 300
_DAY_S, _DAYS = 86_400, 365
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)


@dataclass(frozen=True, slots=True)
class Need:
    """What so many users need."""

    users: int

    @property
    def entries_a_day(self) -> float:
        """Return entries a day; those of grants are few beside those of calls."""
        return self.users * CALLS_A_USER_AND_DAY * ENTRIES_A_CALL

    @property
    def peak_calls_s(self) -> float:
        """Return calls a second in the busiest hour."""
        return self.users * CALLS_A_USER_AND_DAY / _DAY_S * PEAK_OVER_MEAN

    @property
    def disk_tb_a_year(self) -> float:
        """Return TB that a year of entries takes, one copy."""
        return self.entries_a_day * _DAYS * ENTRY_BYTES / 1e12

    @property
    def grants_tb(self) -> float:
        """Return TB that the grants take, one copy."""
        return self.users * GRANTS_A_USER * GRANT_BYTES / 1e12

    @property
    def machines(self) -> int:
        """Return machines, for brokers and database together, half busy at the peak; each with its standbys."""
        return COPIES * math.ceil(self.peak_calls_s / CALLS_A_CORE_S / BUSY_SHARE / CORES_A_MACHINE)

    @property
    def euro_a_month(self) -> float:
        """Return what machines and disk cost a month, after the first year."""
        disk = (self.disk_tb_a_year + self.grants_tb) * COPIES * DISK_EURO_TB_MONTH
        return disk + self.machines * MACHINE_EURO_MONTH


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| users | entries a day | calls a second, peak | log a year, TB | grants, TB | machines | € a month |"
    yield "|---|---|---|---|---|---|---|"
    for users in SIZES:
        need = Need(users)
        cells = (
            f"{users:,}",
            f"{need.entries_a_day:,.0f}",
            f"{need.peak_calls_s:,.0f}",
            f"{need.disk_tb_a_year:,.2f}",
            f"{need.grants_tb:,.3f}",
            f"{need.machines:,}",
            f"{need.euro_a_month:,.0f}",
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201 - the output of a command
