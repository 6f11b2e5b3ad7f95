"""Asks a bank that speaks FDX for what one announced request needs."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankBalance,
    BankTransaction,
    CardUse,
    Credential,
    Window,
)
from broker.banks.connectors.conversation import BankLine, Conversation
from broker.banks.connectors.fdx import accounts as parse
from broker.banks.connectors.fdx.transactions import card_use, transaction
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.oauth import BankEndpoint, BankTokens
from broker.banks.connectors.records import newest_first
from broker.clock import Clock, rfc3339
from broker.errors import BankInvalidAnswer
from broker.outbound import OutboundClient

_ACCOUNTS_PAGE: Final = "100"
_TRANSACTIONS_PAGE: Final = "500"


class FdxConnector:
    """A `Connector` for FDX API 6 (core: customer, accounts, transactions)."""

    standard = "fdx"

    def __init__(self, bank: BankEndpoint, http: OutboundClient, assertion: Callable[[str], str], clock: Clock) -> None:
        self._base = bank.api_base
        self._tokens = BankTokens(bank, http, assertion, clock)
        self._line = BankLine(bank, http, self._tokens, clock)

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        """List the customer's accounts, after the bank has said whose they are."""
        conversation = self._line.open(access)
        conversation.require_subject(parse.customer_id(conversation.get(f"{self._base}/customers/current")))
        url = f"{self._base}/accounts?{urlencode({'limit': _ACCOUNTS_PAGE})}"
        listed = parse.accounts(self._rows(conversation, url, "accounts"))
        if len({account.ref for account in listed}) != len(listed):
            raise BankInvalidAnswer("The bank lists an account twice.")
        return listed

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        """Fetch the balances of these accounts, in their order."""
        conversation = self._line.open(access)
        return [parse.balance(conversation.get(self._account_url(ref)), ref) for ref in account_refs]

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        """Fetch transactions that happened within the window, newest first."""
        conversation = self._line.open(access)
        read = [
            transaction(row, ref, currency)
            for ref in account_refs
            # One account at a time: listing all to learn a currency would fetch accounts that nobody asked about.
            for currency in [parse.currency(conversation.get(self._account_url(ref)), ref)]
            for row in self._transaction_rows(conversation, ref, window)
        ]
        return newest_first(read, window, lambda record: record.executed_at)

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        """Fetch card uses within the window, newest first."""
        conversation = self._line.open(access)
        read = [card_use(row, ref) for ref in account_refs for row in self._transaction_rows(conversation, ref, window)]
        return newest_first([use for use in read if use is not None], window, lambda record: record.occurred_at)

    def end(self, credential: Credential) -> None:
        """Revoke the broker's tokens at the bank (RFC 7009)."""
        self._tokens.revoke(credential)

    def health(self) -> None:
        """Read the bank's metadata anew."""
        self._tokens.discovery.read()

    def _transaction_rows(self, conversation: Conversation, ref: str, window: Window) -> list[Fields]:
        query = {
            "startTime": rfc3339(window.oldest_at),
            "endTime": rfc3339(window.newest_at),
            "limit": _TRANSACTIONS_PAGE,
        }
        return self._rows(conversation, f"{self._account_url(ref)}/transactions?{urlencode(query)}", "transactions")

    def _rows(self, conversation: Conversation, url: str, name: str) -> list[Fields]:
        def following(page: object) -> str | None:
            offset = parse.next_offset(page)
            return None if offset is None else f"{url}&{urlencode({'offset': offset})}"

        pages = conversation.pages(url, following)
        return [row for page in pages for row in conversation.counted(Fields(page, "answer").children(name))]

    def _account_url(self, ref: str) -> str:
        return f"{self._base}/accounts/{quote(ref, safe='')}"
