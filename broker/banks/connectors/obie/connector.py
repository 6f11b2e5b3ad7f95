"""Asks a bank that speaks UK Open Banking for what one announced request needs."""

from collections.abc import Callable
from datetime import timedelta
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
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.oauth import BankEndpoint, BankTokens
from broker.banks.connectors.obie import accounts as parse
from broker.banks.connectors.obie.transactions import card_use, transaction
from broker.banks.connectors.records import newest_first
from broker.clock import Clock, rfc3339
from broker.errors import BankInvalidAnswer
from broker.outbound import OutboundClient

# OBIE selects by booking, which follows the card use by days; what happened after the window is dropped on reading.
_BOOKING_LAG: Final = timedelta(days=3)


class ObieConnector:
    """A `Connector` for the OBIE Read/Write API 4, account information."""

    standard = "obie"

    def __init__(self, bank: BankEndpoint, http: OutboundClient, assertion: Callable[[str], str], clock: Clock) -> None:
        self._base = bank.api_base
        self._tokens = BankTokens(bank, http, assertion, clock)
        self._line = BankLine(bank, http, self._tokens, clock)

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        """List the customer's accounts, after the bank has said whose they are."""
        conversation = self._line.open(access)
        conversation.require_subject(parse.party_id(conversation.get(f"{self._base}/party")))
        listed = parse.accounts(self._rows(conversation, f"{self._base}/accounts", "Account"))
        if len({account.ref for account in listed}) != len(listed):
            raise BankInvalidAnswer("The bank lists an account twice.")
        return listed

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        """Fetch the balances of these accounts, in their order."""
        conversation = self._line.open(access)
        return [parse.balance(conversation.get(f"{self._account_url(ref)}/balances"), ref) for ref in account_refs]

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        """Fetch transactions that happened within the window, newest first."""
        conversation = self._line.open(access)
        read = [
            transaction(row, ref) for ref in account_refs for row in self._transaction_rows(conversation, ref, window)
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
            "fromBookingDateTime": rfc3339(window.oldest_at),
            "toBookingDateTime": rfc3339(window.newest_at + _BOOKING_LAG),
        }
        return self._rows(conversation, f"{self._account_url(ref)}/transactions?{urlencode(query)}", "Transaction")

    @staticmethod
    def _rows(conversation: Conversation, url: str, name: str) -> list[Fields]:
        pages = conversation.pages(url, parse.next_link)
        return [row for page in pages for row in conversation.counted(parse.data(page).children(name))]

    def _account_url(self, ref: str) -> str:
        return f"{self._base}/accounts/{quote(ref, safe='')}"
