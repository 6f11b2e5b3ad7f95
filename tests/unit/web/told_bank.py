"""The bank of the web tests: a connector that answers what a test lays out, or is down."""

from typing import TypeVar

from broker.banks.connector import BankAccess, BankAccount, BankBalance, CardUse, OpenStatus, Window
from broker.errors import BankUnavailable

_R = TypeVar("_R")


class FakeConnector:
    """Lists the accounts that a test lays out; or is down."""

    standard = "fdx"

    def __init__(self) -> None:
        self.is_down = False
        self.error: BankUnavailable | None = None
        self.asked = 0
        self.own_balances: list[BankBalance] = []
        self.own_card_uses: list[CardUse] = []
        self.listed = [account("a-1", "Everyday money", "••7803"), account("a-2", "Summer fund", "••1302")]

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        self.asked += 1
        if self.is_down:
            raise BankUnavailable
        assert access.subject.startswith("hb-")
        return self.listed

    def balances(self, _access: BankAccess, _refs: list[str]) -> list[BankBalance]:
        return self._answers(self.own_balances)

    def card_uses(self, _access: BankAccess, _refs: list[str], _window: Window) -> list[CardUse]:
        return self._answers(self.own_card_uses)

    def _answers(self, found: list[_R]) -> list[_R]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return found


def account(ref: str, name: str, number: str) -> BankAccount:
    return BankAccount(ref, name, None, number, OpenStatus.OPEN, "TRANS_AND_SAVINGS_ACCOUNTS", "USD", is_joint=False)
