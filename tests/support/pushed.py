"""A small house whose events are pushed to a receiver of its own, in the same process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from broker.crypto.signing import SigningKeys, new_signing_key
from broker.events.delivery_models import EventDeliveryRow
from broker.events.pushing import Pusher
from broker.events.sending import Sender
from broker.events.set_tokens import EventSigner
from broker.events.streams import Stream, Wish, create, remove
from broker.events.vocabulary import DeliveryMethod
from broker.outbound import OutboundClient
from tests.support.core import House
from tests.support.outside_receiver import Receiver

ISSUER = "https://broker.example"
HEADER = "Bearer header-canary"
KEYS = SigningKeys((new_signing_key(datetime(2026, 1, 1, tzinfo=UTC)),))


@dataclass
class Line:
    """The way of events from the house to one receiver. `stopping` ends what is being sent."""

    house: House
    receiver: Receiver
    stream: Stream
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> str:
        return f"localhost:{self.receiver.server_address[1]}"

    def pusher(self, *also: str, is_allowed: bool = True, timeout_s: float = 2.0, lanes: int = 24) -> Pusher:
        """Make one more worker's pusher, which may go to the places of others `also`."""
        allowed = frozenset({self.place, *also} if is_allowed else ())
        http = OutboundClient(allowed, timeout_s, 65_536, most_in_flight=8)
        signer = EventSigner(ISSUER, lambda: KEYS, self.house.watch)
        sender = Sender(http, signer, self.house.sealer)
        watch = self.house.watch
        return Pusher(self.house.database, sender, clock=watch, wall=watch, most_lanes=lanes)

    def pushes(self, pusher: Pusher | None = None, **passing: float) -> None:
        """Let time pass, and send what is due, until nothing is."""
        self.house.watch.passes(**passing)
        pusher = pusher or self.pusher()
        while pusher.push_batch(self.stream.id, self.stopping):
            pass

    def has_another_stream(self) -> None:
        """Let the receiver delete its stream and make another one."""
        with self.house.database.write() as session:
            remove(session, self.stream.receiver, self.stream.id)
        self.stream = _made(self.house, self.receiver, self.stream.receiver)

    def behaves(self, how: str, **more: Any) -> None:
        self.receiver.behaviour = {"how": how, **more}

    def came(self) -> list[dict[str, Any]]:
        """The events that have come, in the order in which they came."""
        return [next(iter(one["claims"]["events"].values())) for one in self.receiver.seen]

    def taken(self, grant: str) -> list[int]:
        """The numbers of a grant's events that were taken, in the order in which they came."""
        return [
            event["sequence"]
            for one, event in zip(self.receiver.seen, self.came(), strict=True)
            if one["how"] == "take" and event.get("grant_id") == grant
        ]

    def rows(self) -> list[EventDeliveryRow]:
        with self.house.database.read() as session:
            query = select(EventDeliveryRow).order_by(EventDeliveryRow.grant_id, EventDeliveryRow.sequence)
            return list(session.scalars(query))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]


@contextmanager
def open_line(house: House, platform_id: str = "messenger") -> Iterator[Line]:
    """Let a platform of the house have a stream that is pushed to a receiver on this machine."""
    receiver = Receiver(0, authorization=HEADER)
    thread = threading.Thread(target=receiver.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield Line(house, receiver, _made(house, receiver, platform_id))
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def _made(house: House, receiver: Receiver, platform_id: str) -> Stream:
    allowed = {f"localhost:{receiver.server_address[1]}"}
    wish = Wish(DeliveryMethod.PUSH, receiver.url, HEADER)
    with house.database.write() as session:
        return create(session, house.sealer, platform_id, wish, allowed=allowed, now=house.watch())
