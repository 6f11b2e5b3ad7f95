"""Asks a bank for what one announced request needs: what is the same in every standard; the rest is abstract."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankAlert,
    BankBalance,
    BankTransaction,
    CardUse,
    Credential,
    Window,
)
from broker.banks.connectors import alerts
from broker.banks.connectors.conversation import AccountGone, BankLine, Conversation
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.oauth import BankEndpoint, BankTokens
from broker.banks.connectors.records import newest_first
from broker.clock import Clock
from broker.errors import BankInvalidAnswer
from broker.outbound import Answer, OutboundClient

Read = TypeVar("Read")


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
        return self._of_each(access, account_refs, lambda talk, ref: [self._balance(talk, ref)])

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        """Fetch transactions that happened within the window, newest first."""
        read = self._of_each(access, account_refs, lambda talk, ref: self._transactions(talk, ref, window))
        return newest_first(read, window, lambda record: record.executed_at)

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        """Fetch card uses within the window, newest first."""
        read = self._of_each(
            access,
            account_refs,
            lambda talk, ref: [self._card_use(row, ref) for row in self._transaction_rows(talk, ref, window)],
        )
        return newest_first([use for use in read if use is not None], window, lambda record: record.occurred_at)

    def fraud_alert(self, access: BankAccess, account_ref: str, ref: str) -> BankAlert | None:
        """Fetch one fraud alert by the bank's id of it, None when the bank has taken it back."""
        answer = self._line.open(access).find(f"{self._account_url(account_ref)}/{alerts.path_of(ref)}")
        return None if answer is None else alerts.alert(answer, account_ref, ref)

    def end(self, credential: Credential) -> None:
        """Revoke the broker's tokens at the bank (RFC 7009)."""
        self._tokens.revoke(credential)

    def health(self) -> datetime | None:
        """Read the bank's metadata anew and return what the bank's clock says."""
        return self._tokens.discovery.read().told_at

    def _of_each(
        self, access: BankAccess, refs: list[str], ask: Callable[[Conversation, str], list[Read]]
    ) -> list[Read]:
        """Ask about one account after the other; those that the bank has no longer are named and left out."""
        conversation, found = self._line.open(access, self._says_gone), list[Read]()
        for ref in refs:
            try:
                found += ask(conversation, ref)
            except AccountGone:
                access.closed.add(ref)
        return found

    def _says_gone(self, answer: Answer) -> bool:
        """Say whether the bank refused because it has the account no longer, in the words of its standard."""
        try:
            return self._is_gone(answer)
        except BankInvalidAnswer:  # not an error as the standard words it
            return False

    def _account_url(self, ref: str) -> str:
        return f"{self._base}/accounts/{quote(ref, safe='')}"

    @abstractmethod
    def _is_gone(self, answer: Answer) -> bool:
        """Read an answer that is no success: does it say that the account is not there?"""

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
