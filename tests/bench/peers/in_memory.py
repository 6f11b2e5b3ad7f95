"""`python -m tests.bench.peers.in_memory serve --workers N --threads N`: the broker, whose banks answer from memory.

All else is as `broker serve` builds it: only the connectors are others.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from flask import Flask

from broker.app import build_services, create_app
from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankAlert,
    BankBalance,
    BankTransaction,
    CardUse,
    Connector,
    Credential,
    TransactionStatus,
    TransactionType,
    Window,
)
from broker.cli.serving.server import Limits, Server
from broker.settings import load_settings
from broker.storage.base import prepare_models
from broker.telemetry import configure_logging

TRANSACTIONS = 100


class Memory:
    """A connector that has its answers ready."""

    standard = "memory"

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self._balance = BankBalance("", Decimal("1203.44"), Decimal("1180.10"), None, None, "GBP", now)
        self._transactions = [_transaction(number, now) for number in range(TRANSACTIONS)]

    def accounts(self, _access: BankAccess) -> list[BankAccount]:
        """List nothing: no call of the benchmark asks for accounts."""
        return []

    def balances(self, _access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        """Return the balance of each account."""
        return [replace(self._balance, account_ref=ref) for ref in account_refs]

    def transactions(self, _access: BankAccess, account_refs: list[str], _window: Window) -> list[BankTransaction]:
        """Return a hundred transactions of each account."""
        return [replace(one, account_ref=ref) for ref in account_refs for one in self._transactions]

    def card_uses(self, _access: BankAccess, _account_refs: list[str], _window: Window) -> list[CardUse]:
        """Return nothing."""
        return []

    def fraud_alert(self, _access: BankAccess, _account_ref: str, _ref: str) -> BankAlert | None:
        """Know of no alert."""
        return None

    def end(self, _credential: Credential) -> None:
        """Forget the broker."""

    def health(self) -> datetime | None:
        """Be well."""
        return None


def _transaction(number: int, now: datetime) -> BankTransaction:
    at = now - timedelta(days=2, minutes=number)
    return BankTransaction(
        account_ref="",
        ref=f"t-{number}",
        type=TransactionType.PAYMENT,
        status=TransactionStatus.POSTED,
        description=f"CORNER SHOP {number}",
        executed_at=at,
        posted_at=at,
        amount=Decimal(-100 - number) / 100,
        currency="GBP",
        reference=None,
        merchant_name="Corner Shop",
        merchant_category_code="5411",
    )


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    settings = load_settings()
    prepare_models()
    banks: Mapping[str, Connector] = {"harbor": Memory()}

    def build() -> Flask:
        configure_logging(settings.log_level)
        services = build_services(settings)
        return create_app(replace(services, release=replace(services.release, connectors=banks)))

    limits = Limits(settings.host, settings.port, given.workers, given.threads, settings.request_max_bytes)
    Server(build, limits, settings.log_level).run()


if __name__ == "__main__":
    main()
