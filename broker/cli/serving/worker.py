"""One server process: a poller that collects requests and finishes answers, and threads that make them."""

import contextlib
import errno
import os
import select
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

from broker.cli.serving.connection import Connection, Waiting
from broker.cli.serving.processors import keep_to
from broker.cli.serving.refusals import Overloaded, refusal
from broker.cli.serving.room import Room
from broker.edge.hand_over import DOWNLOAD

_log = structlog.get_logger(__name__)

_ACCEPTED_AT_ONCE = 16
_ROUND_S = 0.2  # how often deadlines are looked at
_HAND_OVER_S = 0.7  # a revocation waits for it; with a round of the poller it stays below 1 s
_DOWNLOAD_S = 60.0  # nobody waits for it: it holds no fence
_SLOW_AT_ONCE = 4  # each may hold a fence, on PostgreSQL a session: its pool has four more than there are threads
_NEXT_S = 75.0  # longer than proxies keep a connection: they end it first, and never send into a closing one
_GOODBYE_S = 1.0
_STOP_LINGER_S = 2.0  # for a request that was on its way when the stop came
_SEND_BUFFER = 256 << 10  # about what every kernel allows; what fits is handed over at once, however slow the client
_READS = "/v1/"
_NO_DESCRIPTORS = {errno.EMFILE, errno.ENFILE}
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
"""What ends a worker. While one is forked they wait: until it has handlers of its own, its parent's would take them."""
_READ = select.EPOLLIN | select.EPOLLONESHOT  # one event, then silence: while a thread has a connection nobody polls it
_WRITE = select.EPOLLOUT | select.EPOLLONESHOT


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no type information
    """gunicorn's threaded worker, whose threads meet whole requests only and never wait for a client."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections: dict[int, Connection] = {}
        self._epoll: select.epoll
        self._closers = ThreadPoolExecutor(1)  # late `close()`s must not queue behind banks
        self._next_round = 0.0
        self.processor: int | None = None  # which the parent chooses before the fork
        self._room = Room(self.app.limits.requests, self.app.load_told)
        self._patience_s = {
            Waiting.HEAD: self.app.limits.head_s,
            Waiting.BODY: self.app.limits.body_s,
            Waiting.NEXT: _NEXT_S,
            Waiting.HAND_OVER: _HAND_OVER_S,
            Waiting.DOWNLOAD: _DOWNLOAD_S,
            Waiting.GOODBYE: _GOODBYE_S,
        }

    def init_process(self) -> None:
        os.close(self.app.lifeline[1])
        keep_to(self.processor)
        for listener in self.sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def load_wsgi(self) -> None:
        self.wsgi: Callable[..., Any]
        super().load_wsgi()
        application: Callable[..., Any] = self.wsgi

        def keep_open(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
            """Hide `close()` from gunicorn, which would call it before the last byte is sent."""
            outbox = environ["gunicorn.socket"]
            outbox.answer = application(environ, start_response)
            outbox.sending = Waiting.DOWNLOAD if environ.get(DOWNLOAD) else Waiting.HAND_OVER
            return (part for part in outbox.answer)

        self.wsgi = keep_open

    def run(self) -> None:
        self._epoll = select.epoll()  # after the fork: processes that share one would see each other's events
        self.poller.register(self._epoll.fileno(), selectors.EVENT_READ, self._events)
        self.poller.register(self.app.lifeline[0], selectors.EVENT_READ, self._parent_is_gone)
        super().run()
        self._closers.shutdown(wait=False)

    def _parent_is_gone(self, lifeline: int) -> None:
        self.poller.unregister(lifeline)
        self.alive = False

    # Arriving

    def accept(self, listener: Any) -> None:
        """Take connections in; when there are too many, the one that has been slow for longest goes."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                client, peer = listener.accept()
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS:
                    self._drop_slowest()
                return
            client.setblocking(False)
            self.nr_conns += 1
            if self.nr_conns >= self.worker_connections:
                self._drop_slowest()
            connection = Connection(self.cfg, client, peer, listener.getsockname(), self.app.limits.body_max_bytes)
            self._connections[client.fileno()] = connection
            self._epoll.register(client.fileno(), 0)
            self._wait(connection, Waiting.HEAD)

    def _drop_slowest(self) -> None:
        idle = [connection for connection in self._connections.values() if connection.waiting in Waiting.of_reading()]
        if idle:
            self._drop(min(idle, key=lambda connection: connection.deadline))

    def _events(self, _epoll: int) -> None:
        for descriptor, _ in self._epoll.poll(0):
            connection = self._connections.get(descriptor)
            if connection is None or connection.waiting is None:
                continue
            if connection.waiting in Waiting.of_sending():
                self._send_on(connection)
            else:
                self._read_on(connection)

    def _read_on(self, connection: Connection) -> None:
        data = connection.receive()
        if data == b"":
            self._drop(connection)
        elif connection.waiting is Waiting.GOODBYE:
            self._wait(connection, Waiting.GOODBYE)
        else:
            connection.intake.add(data or b"")
            self._take(connection)

    def _take(self, connection: Connection) -> None:
        """Give a complete request to a thread, or wait for the rest of it."""
        try:
            request = connection.intake.take()
        except (ParseException, NoMoreData) as error:
            self._refuse(connection, error)
            return
        if request is not None and not self._room.enter(is_read=request.path.startswith(_READS)):
            self._refuse(connection, Overloaded())
        elif request is not None:
            connection.wait_for(None)
            connection.has_begun = False
            self.tpool.submit(self._answer, connection, request).add_done_callback(partial(self._answered, connection))
        elif connection.intake.has_head:
            if connection.intake.wants_continue():
                with contextlib.suppress(OSError):
                    connection.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._wait(connection, Waiting.BODY)
        else:
            is_between = connection.intake.is_empty and connection.has_served
            self._wait(connection, Waiting.NEXT if is_between else Waiting.HEAD)

    # Answering: in a thread

    def _answer(self, connection: Connection, request: Request) -> None:
        """Make the answer, hand it over, close it; what is left to do goes back to the poller."""
        connection.keeps = self.handle_request(request, connection)
        connection.begin_hand_over()
        if not connection.send():
            self.method_queue.defer(self._hand_over_slowly, connection)
            return
        connection.close_answer()
        connection.has_served = True
        if connection.keeps and connection.intake.is_empty and self.alive:
            self._wait(connection, Waiting.NEXT)  # without waking the poller
        else:
            self.method_queue.defer(self._sent, connection)

    def _answered(self, connection: Connection, future: Future[None]) -> None:
        self._room.leave()
        error = future.exception()
        if error is not None:
            self.method_queue.defer(self._failed, connection, error)

    # Finishing: in the poller

    def _failed(self, connection: Connection, error: BaseException) -> None:
        self._closers.submit(connection.close_answer)
        if not (connection.has_begun and isinstance(error, OSError)):
            _log.error("server.answer_failed", exc_info=error)
        if connection.has_begun:  # the client is gone, or `close()` failed: another answer would only confuse
            self._drop(connection)
        else:
            self._refuse(connection, None)

    def _hand_over_slowly(self, connection: Connection) -> None:
        sending = connection.sock.sending
        self._wait(connection, sending)
        slow = [other for other in self._connections.values() if other.waiting is sending]
        if len(slow) > _SLOW_AT_ONCE:
            self._drop(min(slow, key=lambda other: other.deadline))

    def _send_on(self, connection: Connection) -> None:
        try:
            if not connection.send():
                self._wait(connection, connection.sock.sending)
                return
        except OSError:
            self._drop(connection)
            return
        connection.wait_for(None)
        connection.has_served = True
        self._closers.submit(connection.close_answer).add_done_callback(
            lambda _: self.method_queue.defer(self._sent, connection)
        )

    def _sent(self, connection: Connection) -> None:
        if connection.keeps:
            self._take(connection)
        else:
            self._say_goodbye(connection)

    def _refuse(self, connection: Connection, error: Exception | None) -> None:
        told = refusal(error)
        _log.info("server.refused", code=told.code, status=told.status, interaction_id=told.interaction_id)
        with contextlib.suppress(OSError):
            connection.socket.send(told.answer)
        self._say_goodbye(connection)

    def _say_goodbye(self, connection: Connection) -> None:
        """Half-close, and read on for a moment: else a reset could overtake the answer (RFC 9112 §9.6)."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
        else:
            self._wait(connection, Waiting.GOODBYE)

    # Waiting and ending

    def _wait(self, connection: Connection, waiting: Waiting) -> None:
        patience_s = self._patience_s[waiting]
        connection.wait_for(waiting, at_most_s=patience_s if self.alive else min(patience_s, _STOP_LINGER_S))
        # ValueError, OSError: dropped in this very moment, because there were too many.
        with contextlib.suppress(OSError, ValueError):
            self._epoll.modify(connection.socket, _WRITE if waiting in Waiting.of_sending() else _READ)

    def _drop(self, connection: Connection) -> None:
        self.nr_conns -= 1
        del self._connections[connection.socket.fileno()]
        if connection.waiting in Waiting.of_sending():
            connection.cut()
            self._closers.submit(connection.close_answer)
        else:
            connection.socket.close()

    def _expire(self, connection: Connection) -> None:
        if connection.waiting in {Waiting.HEAD, Waiting.BODY} and not connection.intake.is_empty:
            self._refuse(connection, TimeoutError())
        else:
            self._drop(connection)

    # What gunicorn's loop calls

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(min(timeout, _ROUND_S))

    def murder_keepalived(self, force: bool = False) -> None:
        """End what has waited too long; at the very end everything that waits."""
        now = time.monotonic()
        if now < self._next_round and not force:
            return
        self._next_round = now + _ROUND_S
        for connection in list(self._connections.values()):
            if connection.waiting is not None and (force or connection.deadline <= now):
                self._expire(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """Begin to stop: listen no more, and wait for nobody longer than until `deadline`."""
        for listener in self.sockets:
            listener.close()
        for connection in self._connections.values():
            connection.deadline = min(connection.deadline, deadline)
