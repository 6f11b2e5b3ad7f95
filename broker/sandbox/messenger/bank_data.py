"""One connection's data as values: the API's routes, each read and checked."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from . import records
from .api import MOST_PAGES, BrokerApi, Pages, Presence, RefusedError
from .receipts import Receipt
from .records import Account, BadAnswerError, Balance, Place, Transaction
from .store.connections import Connection, Connections

PAGE_SIZE = "100"


class BankData:
    """What can be asked over one connection while its person is present."""

    def __init__(self, api: BrokerApi, connections: Connections, connection: Connection, presence: Presence) -> None:
        self._api = api
        self._connections = connections
        self._presence = presence
        self.connection = connection
        self.receipts: list[Receipt] = []
        self.missing: dict[str, str] = {}

    def accounts(self) -> list[Account]:
        """Read the accounts, and remember what they are called.

        Raises:
            RefusedError, BadAnswerError: there is no answer to show.

        """
        pages = self._read("/v1/accounts", "accounts")
        found = records.read_all(pages, records.account)
        names = {account.account_id: label(account) for account in found}
        self._connections.remember_names(self.connection, names)
        return found

    def balances(self) -> list[Balance]:
        """Read the balances of all accounts.

        Raises:
            RefusedError, BadAnswerError: there is no answer to show.

        """
        return records.read_all(self._read("/v1/accounts/balances", "balances"), records.balance)

    def transactions_since(self, account_id: str, oldest: datetime, newest: datetime) -> list[Transaction]:
        """Read all transactions of one account between two instants.

        Raises:
            RefusedError, BadAnswerError: there is no answer to show.

        """
        window = {"oldest-time": _rfc3339(oldest), "newest-time": _rfc3339(newest), "page-size": PAGE_SIZE}
        return records.read_all(self._read(_transactions(account_id), "transactions", window), records.transaction)

    def last_transactions(self, account_id: str, count: int) -> list[Transaction]:
        """Read the latest transactions of one account.

        Raises:
            RefusedError, BadAnswerError: there is no answer to show.

        """
        path, size = _transactions(account_id), {"page-size": str(count)}
        return records.read_all(self._pages(path, "transactions", size, 1).entries, records.transaction)

    def places(self) -> list[Place]:
        """Read where cards were used.

        Raises:
            RefusedError, BadAnswerError: there is no answer to show.

        """
        size = {"page-size": PAGE_SIZE}
        return records.read_all(self._read("/v1/card-locations", "cardLocations", size), records.place)

    def account_ids(self) -> tuple[str, ...]:
        """Name the accounts of the grant; bare ids come with the tokens, whatever the categories.

        Raises:
            RefusedError, BadAnswerError: the broker must be asked and gives no answer.

        """
        return self.connection.granted.accounts or tuple(account.account_id for account in self.accounts())

    def name_accounts(self) -> dict[str, str]:
        """Say what each account is called; where the accounts category is not shared, they are numbered."""
        names = {
            account_id: f"Account {number}" for number, account_id in enumerate(self.connection.granted.accounts, 1)
        }
        known = dict(self.connection.account_names)
        if not known and self.connection.granted.has("accounts"):
            try:
                known = {account.account_id: label(account) for account in self.accounts()}
            except (RefusedError, BadAnswerError):
                # Names are a courtesy: the answer that was asked for must not fail for the lack of them.
                known = {}
        return names | known

    def has_at_least(self, account_id: str, amount: int, currency: str) -> str:
        """Ask whether so much can be spent from an account: `yes`, `no` or `unknown`.

        Raises:
            RefusedError: there is no answer.

        """
        question = {"accountId": account_id, "atLeast": str(amount), "currency": currency}
        one = self._api.one(self.connection, self._presence, "/v1/answers/balance", question)
        self.connection = one.connection
        self.receipts += one.receipts
        return str(one.record.get("answer"))

    def known_names(self) -> Mapping[str, str]:
        """Say what accounts are called as far as that is known without asking."""
        return self.connection.account_names

    def _read(self, path: str, member: str, parameters: Mapping[str, str] | None = None) -> list[object]:
        pages = self._pages(path, member, parameters, MOST_PAGES)
        if pages.more:
            raise RefusedError("too-much-data")
        return pages.entries

    def _pages(self, path: str, member: str, parameters: Mapping[str, str] | None, most_pages: int) -> Pages:
        pages = self._api.read(
            self.connection, self._presence, path, member, parameters=parameters, most_pages=most_pages
        )
        self.connection = pages.connection
        self.receipts += pages.receipts
        self.missing |= pages.missing
        return pages


def label(account: Account) -> str:
    """Say what an account is called."""
    if not account.masked_number:
        return account.name
    # A name from right to left would take the number along to its other side.
    is_turned = any(unicodedata.bidirectional(character) in {"R", "AL"} for character in account.name)
    mark = "\N{LEFT-TO-RIGHT MARK}" if is_turned else ""
    return f"{account.name}{mark} {account.masked_number}"


def _transactions(account_id: str) -> str:
    return f"/v1/accounts/{quote(account_id, safe='')}/transactions"


def _rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
