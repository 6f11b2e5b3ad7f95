"""A bank that raises fraud alerts, a platform that listens, and what each of them is told."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from broker.alerts.posted import Posted
from broker.alerts.service import Alerts
from broker.banks.connector import AlertKind, BankAlert
from broker.errors import BrokerError
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import EventType, StreamStatus
from broker.platforms.models import PlatformRow
from broker.platforms.options import Options
from broker.policy.minimise import Record
from broker.policy.terms import CategoryTerm
from broker.release import Missing, Rendered, plain
from tests.support.core import ASKED, House, call_of

CATEGORY = "fraud_alerts"
CATEGORIES = (CATEGORY, "balances")
TERMS = replace(ASKED, categories=tuple(map(CategoryTerm, CATEGORIES)))
AT_THE_BANK = "harbor-bank"
SCOPE = "fraud_alerts.push"
CANARY = "Canary Electronics"


@dataclass
class Scene:
    """Alice's house, with what her bank raises. `listens` lets a platform have a stream."""

    house: House
    most_a_minute: int = 300
    alerts: Alerts = field(init=False)

    def __post_init__(self) -> None:
        house = self.house
        self.alerts = Alerts(house.release, house.sealer, house.watch, self.most_a_minute)
        with house.database.write() as session:
            session.add(client_of("harbor", AT_THE_BANK, house.watch()))
        self.listens()

    def listens(self, receiver: str = "messenger", **told: Any) -> None:
        with self.house.database.write() as session:
            session.add(
                EventStreamRow(
                    id=f"stream-of-{receiver}",
                    receiver=receiver,
                    bank_id=None,
                    method="urn:ietf:rfc:8936",
                    requested=told.pop("requested", [kind.value for kind in EventType]),
                    status=told.pop("status", StreamStatus.ENABLED.value),
                    failures=0,
                    created_at=self.house.watch(),
                    updated_at=self.house.watch(),
                )
            )

    def grants(self, *accounts: str, **given: Any) -> str:
        return self.house.approved(CATEGORIES, accounts or ("acc-1",), terms=TERMS, **given)

    def raises(self, ref: str = "fa-1", account: str = "ref-1", **changes: Any) -> BankAlert:
        """Let the bank have raised an alert, so that its data API can tell of it."""
        usual = BankAlert(
            account_ref=account,
            ref=ref,
            kind=AlertKind.CARD_PAYMENT,
            occurred_at=self.house.watch(),
            amount=Decimal("84.20"),
            currency="GBP",
            merchant_name=CANARY,
            merchant_category_code="5732",
            country="TR",
        )
        made = replace(usual, **changes)
        self.house.bank.own_alerts.append(made)
        return made

    def posts(
        self,
        ref: str = "fa-1",
        *,
        account: str = "ref-1",
        subject: str = "sub-alice",
        client: str = AT_THE_BANK,
        occurred_at: datetime | None = None,
    ) -> int | str:
        """Post an alert; return how many platforms were told, or the code of the refusal."""
        happened = occurred_at or self.house.watch()
        posted = Posted(client, subject, account, ref, happened, "22222222-2222-4222-8222-222222222222")
        try:
            return self.alerts.announce(posted)
        except BrokerError as error:
            return error.code

    def told(self, receiver: str = "messenger") -> list[dict[str, Any]]:
        """Return what is on its way to a platform about alerts."""
        mine = (EventDeliveryRow.receiver == receiver, EventDeliveryRow.event_type == EventType.FRAUD_ALERT.value)
        with self.house.database.read() as session:
            query = select(EventDeliveryRow).where(*mine).order_by(EventDeliveryRow.jti)
            return [row.claims for row in session.scalars(query)]

    def reads(self, grant_id: str, alert_id: str, *categories: str) -> str:
        """Fetch an alert as the platform does; return what it gets as text, or the code of the refusal."""
        call = call_of(grant_id, *(categories or CATEGORIES))
        try:
            wanted = self.alerts.wanted(call, alert_id)
            released = self.house.release.read(call, wanted, _as_json)
        except BrokerError as error:
            return error.code
        with released.held:
            return released.body.decode()

    def leaves(self) -> bytes:
        """Return the newest entry of the bank's log as anybody may read it."""
        rows = self.house.store.rows("SELECT leaf FROM audit_entries WHERE log LIKE '%/harbor/%' ORDER BY number DESC")
        return bytes(rows[0][0])


def _as_json(records: list[Record], _missing: Missing) -> Rendered:
    return Rendered(json.dumps([plain(record) for record in records]).encode(), len(records))


def client_of(bank_id: str, client_id: str, now: datetime, **options: Any) -> PlatformRow:
    """Register a bank's own client; it may push alerts unless told otherwise."""
    return PlatformRow(
        id=client_id,
        kind="bank",
        name="Harbor Bank",
        jwks={"keys": []},
        redirect_uris=[],
        scopes=[],
        purposes=[],
        bank_id=bank_id,
        options=Options(**{"machine_scopes": (SCOPE,), **options}).to_json(),
        created_at=now,
    )
