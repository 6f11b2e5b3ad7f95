"""Turns what a connector fetched into complete wire records (Consumer Data Standards names), before minimisation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankAlert,
    BankBalance,
    BankTransaction,
    CardUse,
    Connector,
    Place,
    Window,
)
from broker.crypto.pairwise import PairwiseIds
from broker.errors import ReleaseRefused
from broker.policy.minimise import Record
from broker.release.asking import Announcement

WINDOWED: Final = frozenset({"transactions", "card_locations", "location_answers"})
"""The categories that are asked for over a window of time."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How things of one bank are named to one platform. `accounts` maps the bank's account ids to pairwise ids."""

    pairwise: PairwiseIds
    platform_id: str
    bank_id: str
    accounts: Mapping[str, str]

    def of(self, kind: str, account_ref: str, ref: str) -> str:
        """Return the pairwise id of a `transaction` or a `card-use`."""
        return self.pairwise.of(kind, self.platform_id, self.bank_id, account_ref, ref)


def fetch(
    connector: Connector, access: BankAccess, naming: Naming, window: Window, announced: Announcement | None = None
) -> list[Record]:
    """Fetch one category for the accounts that `naming` knows; anything else the bank sends is dropped.

    Accounts that the bank has no longer are named in `access.closed`, by the connector or here.
    Of what banks push there is nothing but the one thing that was `announced`.

    Raises:
        BankUnavailable: or one of its kinds, as the connector raises it.
        ReleaseRefused: the category has no source at banks.
    """
    known, refs = naming.accounts, list(naming.accounts)
    if access.category == "accounts":
        listed = connector.accounts(access)
        found = [_account(naming, account) for account in listed if account.ref in known]
        access.closed.update(known.keys() - {account.ref for account in listed})
    elif access.category in {"balances", "balance_answers"}:
        found = [_balance(naming, one) for one in connector.balances(access, refs) if one.account_ref in known]
    elif access.category == "transactions":
        transactions = connector.transactions(access, refs, window)
        found = [_transaction(naming, one) for one in transactions if one.account_ref in known]
    elif access.category in {"card_locations", "location_answers"}:
        uses = connector.card_uses(access, refs, window)
        found = [_card_location(naming, use) for use in uses if use.account_ref in known]
    elif access.category == "fraud_alerts" and announced is not None:
        alerts = [connector.fraud_alert(access, ref, announced.ref) for ref in refs]
        found = [_alert(naming, announced, one) for one in alerts if one is not None and one.account_ref in known]
    else:
        raise ReleaseRefused("There is no source for this category.")
    return found


def _account(naming: Naming, account: BankAccount) -> Record:
    return {
        "accountId": naming.accounts[account.ref],
        "displayName": account.display_name,
        "nickname": account.nickname,
        "maskedNumber": account.masked_number,
        "openStatus": account.open_status.value,
        "productCategory": account.product_category,
        "currency": account.currency,
    }


def _balance(naming: Naming, balance: BankBalance) -> Record:
    return {
        "accountId": naming.accounts[balance.account_ref],
        "currentBalance": balance.current,
        "availableBalance": balance.available,
        "creditLimit": balance.credit_limit,
        "amortisedLimit": balance.amortised_limit,
        "currency": balance.currency,
        "asOf": balance.as_of,
    }


def _transaction(naming: Naming, one: BankTransaction) -> Record:
    return {
        "accountId": naming.accounts[one.account_ref],
        "transactionId": naming.of("transaction", one.account_ref, one.ref),
        "type": one.type.value,
        "status": one.status.value,
        "description": one.description,
        "postingDateTime": one.posted_at,
        "executionDateTime": one.executed_at,
        "amount": one.amount,
        "currency": one.currency,
        "merchantName": one.merchant_name,
        "merchantCategoryCode": one.merchant_category_code,
    }


def _card_location(naming: Naming, use: CardUse) -> Record:
    record: Record = {
        "accountId": naming.accounts[use.account_ref],
        "cardTransactionId": naming.of("card-use", use.account_ref, use.ref),
        "occurredOn": use.occurred_at,
        "channel": use.channel.value,
        "merchantCategoryCode": use.merchant_category_code,
        "source": use.source,
    }
    if use.place is not None:
        record |= {"address": _address(use.place), "lat": use.place.lat, "lon": use.place.lon}
    return record


def _alert(naming: Naming, announced: Announcement, alert: BankAlert) -> Record:
    return {
        "alertId": announced.id,
        "accountId": naming.accounts[alert.account_ref],
        "kind": alert.kind.value,
        "occurredAt": alert.occurred_at,
        "amount": alert.amount,
        "currency": alert.currency,
        "merchantName": alert.merchant_name,
        "merchantCategoryCode": alert.merchant_category_code,
        "country": alert.country,
    }


def _address(place: Place) -> dict[str, str | None]:
    return {
        "country": place.country,
        "region": place.region,
        "townName": place.town,
        "postCode": place.post_code,
        "streetName": place.street,
    }
