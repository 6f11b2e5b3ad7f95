"""What the figures tell of the worker's backlog: how much, and how long the oldest has waited."""

import uuid
from datetime import timedelta

from broker.events import outbox
from broker.events.delivery_models import EventDeliveryRow
from broker.events.lag import DeliveryLag, TaskLag, delivery_lag, task_lags
from broker.events.vocabulary import DeliveryState
from tests.support.core import NOON, House


def delivery(state: DeliveryState, minutes: int) -> EventDeliveryRow:
    since = NOON - timedelta(minutes=minutes)
    return EventDeliveryRow(
        jti=str(uuid.uuid4()),
        stream_id="s",
        receiver="messenger",
        grant_id="",
        sequence=0,
        event_type="t",
        claims={},
        state=state,
        attempts=0,
        refusals=0,
        created_at=since,
        waits_since=since,
    )


def test_nothing_waits_in_an_empty_house(house: House) -> None:
    with house.database.read() as session:
        assert (task_lags(session, NOON), delivery_lag(session, NOON)) == ([], DeliveryLag(0, 0.0, 0))


def test_the_oldest_tells_how_far_the_worker_is_behind(house: House) -> None:
    with house.database.write() as session:
        for minutes in (1, 3):
            outbox.put(session, outbox.TaskKind.BANK_END, {}, NOON - timedelta(minutes=minutes))
        session.add_all(
            [
                delivery(DeliveryState.WAITING, 2),
                delivery(DeliveryState.WAITING, 5),
                delivery(DeliveryState.DEAD, 60),
            ]
        )
    with house.database.read() as session:
        assert task_lags(session, NOON) == [TaskLag("bank.end", 2, 180.0)]
        assert delivery_lag(session, NOON) == DeliveryLag(2, 300.0, 1)
