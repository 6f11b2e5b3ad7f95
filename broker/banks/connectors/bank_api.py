"""Asks a bank for what one announced request needs: what is the same in every standard; the rest is abstract."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

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
from broker.banks.connectors.records import newest_first
from broker.clock import Clock
from broker.errors import BankInvalidAnswer
from broker.outbound import OutboundClient


class BankApi(ABC):
    """A `Connector` but for the URLs and records of one standard."""

    standard: str

    def __init__(self, bank: BankEndpoint, http: OutboundClient, assertion: Callable[[str], str], clock: Clock) -> None:
        self._base = bank.api_base
        self._tokens = BankTokens(bank, http, assertion, clock)
        self._line = BankLine(bank, http, self._tokens, clock)

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        """List the customer's accounts, after the bank has said whose they are."""
        conversation = self._line.open(access)
        conversation.require_subject(self._subject(conversation))
        listed = self._accounts(conversation)
        if len({account.ref for account in listed}) != len(listed):
            raise BankInvalidAnswer("The bank lists an account twice.")
        return listed

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        """Fetch the balances of these accounts, in their order."""
        conversation = self._line.open(access)
        return [self._balance(conversation, ref) for ref in account_refs]

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        """Fetch transactions that happened within the window, newest first."""
        conversation = self._line.open(access)
        read = [record for ref in account_refs for record in self._transactions(conversation, ref, window)]
        return newest_first(read, window, lambda record: record.executed_at)

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        """Fetch card uses within the window, newest first."""
        conversation = self._line.open(access)
        read = [
            self._card_use(row, ref)
            for ref in account_refs
            for row in self._transaction_rows(conversation, ref, window)
        ]
        return newest_first([use for use in read if use is not None], window, lambda record: record.occurred_at)

    def end(self, credential: Credential) -> None:
        """Revoke the broker's tokens at the bank (RFC 7009)."""
        self._tokens.revoke(credential)

    def health(self) -> datetime | None:
        """Read the bank's metadata anew and return what the bank's clock says."""
        return self._tokens.discovery.read().told_at

    def _account_url(self, ref: str) -> str:
        return f"{self._base}/accounts/{quote(ref, safe='')}"

    @abstractmethod
    def _subject(self, conversation: Conversation) -> str:
        """Ask who the customer is."""

    @abstractmethod
    def _accounts(self, conversation: Conversation) -> list[BankAccount]:
        """Fetch all pages of the list of accounts."""

    @abstractmethod
    def _balance(self, conversation: Conversation, ref: str) -> BankBalance:
        """Fetch the balance of one account."""

    @abstractmethod
    def _transactions(self, conversation: Conversation, ref: str, window: Window) -> list[BankTransaction]:
        """Fetch the transactions of one account, those around the window too."""

    @abstractmethod
    def _transaction_rows(self, conversation: Conversation, ref: str, window: Window) -> list[Fields]:
        """Fetch all pages of one account's transactions, unread."""

    @abstractmethod
    def _card_use(self, row: Fields, ref: str) -> CardUse | None:
        """Read a transaction as a card use; None when it is none."""
