"""Asks a bank that speaks UK Open Banking for what one announced request needs."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from broker.banks.connector import BankAccount, BankBalance, BankTransaction, CardUse, Window
from broker.banks.connectors.bank_api import BankApi
from broker.banks.connectors.conversation import Conversation
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.obie import accounts as parse
from broker.banks.connectors.obie.transactions import card_use, transaction
from broker.clock import rfc3339
from broker.outbound import Answer

# OBIE selects by booking, which follows the card use by days; what happened after the window is dropped on reading.
_BOOKING_LAG: Final = timedelta(days=3)
# The standard has no 404 for account data.
_REFUSED, _NOT_FOUND = 400, "UK.OBIE.Resource.NotFound"


class ObieConnector(BankApi):
    """A `Connector` for the OBIE Read/Write API 4, account information."""

    standard = "obie"

    def _is_gone(self, answer: Answer) -> bool:
        return answer.status == _REFUSED and _NOT_FOUND in parse.error_codes(answer.json())

    def _subject(self, conversation: Conversation) -> str:
        return parse.party_id(conversation.get(f"{self._base}/party"))

    def _accounts(self, conversation: Conversation) -> list[BankAccount]:
        return parse.accounts(self._rows(conversation, f"{self._base}/accounts", "Account"))

    def _balance(self, conversation: Conversation, ref: str) -> BankBalance:
        return parse.balance(conversation.get(f"{self._account_url(ref)}/balances"), ref)

    def _transactions(self, conversation: Conversation, ref: str, window: Window) -> list[BankTransaction]:
        return [transaction(row, ref) for row in self._transaction_rows(conversation, ref, window)]

    def _transaction_rows(self, conversation: Conversation, ref: str, window: Window) -> list[Fields]:
        query = {
            "fromBookingDateTime": rfc3339(window.oldest_at),
            "toBookingDateTime": rfc3339(window.newest_at + _BOOKING_LAG),
        }
        return self._rows(conversation, f"{self._account_url(ref)}/transactions?{urlencode(query)}", "Transaction")

    def _card_use(self, row: Fields, ref: str) -> CardUse | None:
        return card_use(row, ref)

    @staticmethod
    def _rows(conversation: Conversation, url: str, name: str) -> list[Fields]:
        pages = conversation.pages(url, parse.next_link)
        return [row for page in pages for row in conversation.counted(parse.data(page).children(name))]
