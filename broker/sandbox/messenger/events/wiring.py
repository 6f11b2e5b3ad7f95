"""The parts that take events, put together."""

import logging
from dataclasses import dataclass

import requests

from broker.sandbox.messenger.api import BrokerApi
from broker.sandbox.messenger.config import Config
from broker.sandbox.messenger.keys import Keys
from broker.sandbox.messenger.machine import Machine, MachineFailedError
from broker.sandbox.messenger.oauth import OAuth
from broker.sandbox.messenger.store import Store

from .alerts import Alerts
from .deletions import Deletions
from .issuer_keys import IssuerKeys
from .reactions import Reactions
from .receiver import Reception
from .stream import EventStream, authorization_of
from .tokens import TokenCheck
from .vocabulary import Event, EventType
from .worker import Worker

log = logging.getLogger("messenger.events")


@dataclass(frozen=True, slots=True)
class Calls:
    """The ways in which Messenger calls the broker."""

    oauth: OAuth
    api: BrokerApi
    http: requests.Session


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Leads each event to what follows from it, and catches up on what was missed."""

    store: Store
    stream: EventStream
    reactions: Reactions
    alerts: Alerts
    deletions: Deletions

    def act(self, event: Event) -> None:
        """Act upon one event. Behind a gap, requests to delete that were missed are looked up first."""
        if event.is_after_gap:
            self._look_for_deletions()
        if event.type == EventType.GRANT_CHANGED:
            self.reactions.react(event)
        elif event.type == EventType.FRAUD_ALERT:
            self._read_again(event)
            self.alerts.show(event)
        elif event.type == EventType.DELETION_REQUESTED:
            self._read_again(event)
            self.deletions.carry_out(event)

    def connect(self) -> None:
        """Register the stream, and go by what happened while there was none.

        What happened while Messenger was away, but had a stream, waits there and comes in its order.
        """
        if not self.stream.register():
            return
        for connection in self.store.connections.live():
            self.reactions.catch_up(connection)
        self._look_for_deletions()

    def _look_for_deletions(self) -> None:
        try:
            self.deletions.catch_up()
        except MachineFailedError as error:
            if error.may_pass:
                raise
            # Not every broker has the list, or lets this client read it: events tell of requests all the same.
            log.warning("requests to delete cannot be listed: %s", error.code)

    def _read_again(self, event: Event) -> None:
        for connection in self.store.connections.of_grant(event.grant_id) if event.is_after_gap else ():
            self.reactions.catch_up(connection, is_after_gap=True)


def reception(config: Config, secrets: Keys, calls: Calls, store: Store) -> Reception:
    """Put together what receives events; its worker is not started yet."""
    authorization = authorization_of(secrets.seal)
    machine = Machine(calls.oauth, calls.http)
    stream = EventStream(config, machine, authorization)
    dispatch = Dispatch(
        store,
        stream,
        Reactions(config, store, machine),
        Alerts(config, calls.api, store),
        Deletions(config, store, machine),
    )
    check = TokenCheck(config.issuer, config.client_id, IssuerKeys(calls.http, stream.jwks_uri))
    return Reception(authorization, check, store.inbox, Worker(store.inbox, dispatch.act, dispatch.connect))
