"""A thread that acts upon the events of the inbox, one after the other, and asks for a stream until there is one."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from broker.sandbox.messenger.keys import SealBrokenError
from broker.sandbox.messenger.machine import MachineFailedError
from broker.sandbox.messenger.store.inbox import Inbox

from .vocabulary import Event

LOOK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
log = logging.getLogger("messenger.events")


class LaterError(Exception):
    """An event cannot be acted upon now."""


class Acts(Protocol):
    """What follows from an event. It may be called again for the same one, when it failed half way."""

    def __call__(self, event: Event) -> None:
        """Act; LaterError and MachineFailedError mean that it is to be tried again."""


class Worker:
    """Acts upon events in a daemon thread: what it leaves undone stands in the inbox at the next start."""

    def __init__(
        self, inbox: Inbox, act: Acts, connect: Callable[[], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._inbox = inbox
        self._act = act
        self._connect = connect
        self._monotonic = monotonic
        self._woken = threading.Event()
        self._connected = False
        self._pause = FIRST_PAUSE_S
        self._connect_at = 0.0

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="events", daemon=True).start()

    def wake(self) -> None:
        """Look at the inbox now."""
        self._woken.set()

    def wake_for_stream(self) -> None:
        """Ask for the stream now where there is none: somebody has just linked a bank, so the broker is up."""
        self._connect_at = 0.0
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                self._ask_for_stream()
                while self._one():
                    pass
            except (SQLAlchemyError, SealBrokenError) as error:
                log.warning("events wait: the database cannot be used (%s)", type(error).__name__)
            self._woken.wait(LOOK_S if self._connected else min(self._pause, LOOK_S))

    def _ask_for_stream(self) -> None:
        """Ask for the stream until the broker has given it; that it is not up yet is nothing to make noise about."""
        if self._connected or self._monotonic() < self._connect_at:
            return
        try:
            self._connect()
            self._connected = True
        except MachineFailedError as error:
            log.debug("no stream of events yet: %s", error.code)
            self._connect_at = self._monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    def _one(self) -> bool:
        found = self._inbox.next()
        if found is None:
            return False
        event, attempts = found
        try:
            self._act(event)
        except (LaterError, MachineFailedError):
            if self._inbox.later(event, attempts):
                log.warning("an event was given up: %s", event.type)
        except SealBrokenError:
            count = self._inbox.set_aside(event)
            log.error("an event was set aside: what it is about cannot be opened (%s, %d so far)", event.type, count)  # noqa: TRY400 - the stack says nothing of which row was altered
        else:
            self._inbox.done(event)
        return True
