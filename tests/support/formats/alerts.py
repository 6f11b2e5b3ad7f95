"""A fraud alert of a bank: an extension that no standard has, the same in each."""

from typing import Any

from marshmallow import post_load

from broker.banks.connector import AlertKind, BankAlert
from tests.support.formats.forms import Row, must
from tests.support.formats.values import Choice, Instant, Money, Own, Words, country, currency, kind_of_shop


class Alert(Row):
    """An amount and its currency come together or not at all."""

    own = Own("accountId")
    ref = Own("alertId", "alert-1")
    kind = Choice("kind", {name: AlertKind(name) for name in ("card_payment", "transfer", "sign_in", "other")})
    occurred_at = Instant("occurredAt")
    amount = Money("amount", maybe=True)
    currency = currency("currency", maybe=True)
    merchant = Words("merchantName", maybe=True)
    code = kind_of_shop("merchantCategoryCode")
    country = country("country", maybe=True)

    @post_load
    def meant(self, data: dict[str, Any], **_: Any) -> BankAlert:
        must((data["amount"] is None) == (data["currency"] is None))
        money = (data["amount"], data["currency"])
        told = (data["own"], data["ref"], data["kind"], data["occurred_at"])
        return BankAlert(*told, *money, data["merchant"], data["code"], data["country"])
