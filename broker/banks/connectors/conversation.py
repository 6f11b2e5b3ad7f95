"""The calls that serve one announced request: renewed at most once, bounded in pages, records and time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from broker.banks.connector import BankAccess
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.oauth import BankEndpoint, BankTokens
from broker.clock import Clock
from broker.errors import BankInvalidAnswer, BankRefusedReceipt, BankSignInNeeded, BankUnavailable
from broker.outbound import Answer, OutboundClient

MAX_PAGES: Final = 50
MAX_RECORDS: Final = 20_000
_LONGEST_S: Final = 20.0
_EXPIRY_MARGIN: Final = timedelta(seconds=20)
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY_REQUESTS = 200, 401, 403, 404, 429
_RECEIPT_ERROR: Final = "x-broker-receipt-error"
_RECEIPT_CODE: Final = re.compile(r"receipt-[a-z-]{1,40}")


def _is_never(_answer: Answer) -> bool:
    return False


class AccountGone(Exception):
    """The bank says that it has the account no longer which it was asked about."""


class BankLine:
    """Opens conversations with one bank."""

    def __init__(self, bank: BankEndpoint, http: OutboundClient, tokens: BankTokens, clock: Clock) -> None:
        self.bank = bank
        self.http = http
        self.tokens = tokens
        self.clock = clock

    def open(self, access: BankAccess, is_gone: Callable[[Answer], bool] = _is_never) -> "Conversation":
        """Start the calls of one announced request; `is_gone` knows the answer that says that an account is gone.

        Raises: BankUnavailable when the bank's facts ask for a receipt and there is none: a mistake of the broker.
        """
        if self.bank.receipts_required and access.announced is None:
            raise BankUnavailable("The broker asks this bank for nothing without a receipt.")
        return Conversation(self, access, is_gone)


class Conversation:
    """Holds the present credential while one request's calls are made; used by one thread, then dropped."""

    def __init__(self, line: BankLine, access: BankAccess, is_gone: Callable[[Answer], bool]) -> None:
        self._line = line
        self._is_gone = is_gone
        self._access = access
        self._may_renew = True
        self._records = 0
        self._deadline = line.http.deadline(_LONGEST_S)

    def require_subject(self, named: str) -> None:
        """Refuse to go on when the bank answers for another customer than the one who signed in.

        Raises: BankInvalidAnswer
        """
        if named != self._access.subject:
            raise BankInvalidAnswer("The bank's answer is about another customer.")

    def get(self, url: str) -> Any:
        """Fetch JSON from the bank.

        Raises: BankSignInNeeded when the bank refuses even a renewed token; BankRefusedReceipt; BankUnavailable and its
            kinds. AccountGone where the caller knows such an answer.
        """
        return _content(self._answered(url))

    def find(self, url: str) -> Any | None:
        """Fetch JSON from the bank as `get` does, None when the bank has nothing there (404)."""
        answer = self._answered(url)
        return None if answer.status == _NOT_FOUND else _content(answer)

    def _answered(self, url: str) -> Answer:
        credential = self._access.credential
        expiring = self._line.clock() >= credential.expires_at - _EXPIRY_MARGIN
        if expiring and credential.refresh_token is not None and self._may_renew:
            self._renew()
        answer = self._fetch(url)
        if answer.status == _UNAUTHORIZED and self._may_renew:
            self._renew()
            answer = self._fetch(url)
        if answer.status != _OK and self._is_gone(answer):
            raise AccountGone
        return answer

    def pages(self, url: str, next_url: Callable[[Any], str | None]) -> Iterator[Any]:
        """Fetch page after page; `next_url` finds the next page's URL in a page.

        Raises: BankInvalidAnswer for a page that came before, one outside the bank's API, or too many.
        """
        seen: set[str] = set()
        following: str | None = url
        while following is not None:
            if following in seen or len(seen) == MAX_PAGES or not following.startswith(f"{self._line.bank.api_base}/"):
                raise BankInvalidAnswer("The bank's pages do not end or lead elsewhere.")
            seen.add(following)
            page = self.get(following)
            yield page
            following = next_url(page)

    def counted(self, rows: list[Fields]) -> list[Fields]:
        """Count records towards the limit of the whole conversation.

        Raises: BankInvalidAnswer beyond `MAX_RECORDS`.
        """
        self._records += len(rows)
        if self._records > MAX_RECORDS:
            raise BankInvalidAnswer("The bank sends more records than the broker takes.")
        return rows

    def _renew(self) -> None:
        self._may_renew = False
        # Stored before it is used: if storing fails, the data request is not sent.
        self._access = replace(self._access, credential=self._access.renew(self._line.tokens.renew))

    def _fetch(self, url: str) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._access.credential.access_token}",
            "Accept": "application/json",
            "x-fapi-interaction-id": self._access.interaction_id,
            "x-broker-category": self._access.category,
        }
        if (announced := self._access.announced) is not None:
            headers |= {"x-broker-receipt": announced.receipt, "x-broker-disclosures": announced.disclosures}
        # Each page within the client's time is not enough: fifty slow ones would hold the caller for minutes.
        left_s = self._deadline.remaining()
        return self._line.http.get(url, headers, breaker=self._line.bank.bank_id, deadline_s=left_s)


def _content(answer: Answer) -> Any:
    if answer.status == _UNAUTHORIZED:
        raise BankSignInNeeded
    if answer.status == _TOO_MANY_REQUESTS:
        raise BankUnavailable("The bank asks for fewer calls.")
    if answer.status == _FORBIDDEN and (code := answer.headers.get(_RECEIPT_ERROR)) is not None:
        told = f" It says: {code}." if _RECEIPT_CODE.fullmatch(code) else ""
        raise BankRefusedReceipt(f"{BankRefusedReceipt.detail}{told}")
    if answer.status != _OK:
        raise BankInvalidAnswer("The bank refused the broker's request.")
    return answer.json()
