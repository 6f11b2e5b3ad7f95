"""Asks a bank that speaks FDX for what one announced request needs."""

from typing import Final
from urllib.parse import urlencode

from broker.banks.connector import BankAccount, BankBalance, BankTransaction, CardUse, Window
from broker.banks.connectors.bank_api import BankApi
from broker.banks.connectors.conversation import Conversation
from broker.banks.connectors.fdx import accounts as parse
from broker.banks.connectors.fdx.transactions import card_use, transaction
from broker.banks.connectors.fields import Fields
from broker.clock import rfc3339
from broker.outbound import Answer

_ACCOUNTS_PAGE: Final = "100"
_GONE: Final = (404, 410)
_GONE_CODES: Final = {"701", "705"}  # account not found; account is closed
_TRANSACTIONS_PAGE: Final = "500"


class FdxConnector(BankApi):
    """A `Connector` for FDX API 6 (core: customer, accounts, transactions)."""

    standard = "fdx"

    def _is_gone(self, answer: Answer) -> bool:
        return answer.status in _GONE and parse.error_code(answer.json()) in _GONE_CODES

    def _subject(self, conversation: Conversation) -> str:
        return parse.customer_id(conversation.get(f"{self._base}/customers/current"))

    def _accounts(self, conversation: Conversation) -> list[BankAccount]:
        url = f"{self._base}/accounts?{urlencode({'limit': _ACCOUNTS_PAGE})}"
        return parse.accounts(self._rows(conversation, url, "accounts"))

    def _balance(self, conversation: Conversation, ref: str) -> BankBalance:
        return parse.balance(conversation.get(self._account_url(ref)), ref)

    def _transactions(self, conversation: Conversation, ref: str, window: Window) -> list[BankTransaction]:
        # One account at a time: listing all to learn a currency would fetch accounts that nobody asked about.
        currency = parse.currency(conversation.get(self._account_url(ref)), ref)
        return [transaction(row, ref, currency) for row in self._transaction_rows(conversation, ref, window)]

    def _transaction_rows(self, conversation: Conversation, ref: str, window: Window) -> list[Fields]:
        query = {
            "startTime": rfc3339(window.oldest_at),
            "endTime": rfc3339(window.newest_at),
            "limit": _TRANSACTIONS_PAGE,
        }
        return self._rows(conversation, f"{self._account_url(ref)}/transactions?{urlencode(query)}", "transactions")

    def _card_use(self, row: Fields, ref: str) -> CardUse | None:
        return card_use(row, ref)

    @staticmethod
    def _rows(conversation: Conversation, url: str, name: str) -> list[Fields]:
        def following(page: object) -> str | None:
            offset = parse.next_offset(page)
            return None if offset is None else f"{url}&{urlencode({'offset': offset})}"

        pages = conversation.pages(url, following)
        return [row for page in pages for row in conversation.counted(Fields(page, "answer").children(name))]
