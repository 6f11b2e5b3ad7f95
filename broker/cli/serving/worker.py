"""One server process: a poller that collects requests and finishes answers, and threads that make them."""

import contextlib
import errno
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

from broker.cli.serving.connection import Connection, Waiting
from broker.cli.serving.refusals import refusal

_ACCEPTED_AT_ONCE = 16
_STOP_LINGER_S = 2.0  # for a request that was on its way when the stop came
_SEND_BUFFER = 1 << 20  # the kernel may allow less; what fits is handed over at once, however slow the client
_NO_DESCRIPTORS = {errno.EMFILE, errno.ENFILE}


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no type information
    """gunicorn's threaded worker, whose threads meet whole requests only and never wait for a client."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # In each, the oldest comes first: all that wait for the same thing may wait equally long.
        self._deadlines: dict[Waiting, dict[Connection, float]] = {waiting: {} for waiting in Waiting}
        self._closers = ThreadPoolExecutor(1)  # late `close()`s must not queue behind banks

    def init_process(self) -> None:
        os.close(self.app.lifeline[1])
        for listener in self.sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        application = self.wsgi

        def keep_open(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
            """Hide `close()` from gunicorn, which would call it before the last byte is sent."""
            outbox = environ["gunicorn.socket"]
            outbox.answer = application(environ, start_response)
            return (part for part in outbox.answer)

        self.wsgi = keep_open

    def run(self) -> None:
        self.poller.register(self.app.lifeline[0], selectors.EVENT_READ, self._parent_is_gone)
        super().run()
        self._closers.shutdown(wait=False)

    def _parent_is_gone(self, _lifeline: int) -> None:
        self.poller.unregister(self.app.lifeline[0])
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
            self._wait(connection, Waiting.HEAD)

    def _drop_slowest(self) -> None:
        for waiting in (Waiting.GOODBYE, Waiting.HEAD, Waiting.BODY, Waiting.NEXT):
            for connection in self._deadlines[waiting]:
                self._drop(connection)
                return

    def _readable(self, connection: Connection, _socket: socket.socket) -> None:
        data = connection.receive()
        if data == b"":
            self._drop(connection)
        elif data and connection.waiting is not Waiting.GOODBYE:
            connection.intake.add(data)
            self._take(connection)

    def _take(self, connection: Connection) -> None:
        """Give a complete request to a thread, or wait for the rest of it."""
        try:
            request = connection.intake.take()
        except (ParseException, NoMoreData) as error:
            self._refuse(connection, error)
            return
        if request is not None:
            self._stop_waiting(connection)
            self.tpool.submit(self._answer, connection, request).add_done_callback(
                lambda future: self.method_queue.defer(self._answered, connection, future)
            )
        elif connection.intake.has_head:
            self._wait(connection, Waiting.BODY)
            if connection.intake.wants_continue:
                with contextlib.suppress(OSError):
                    connection.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            self._wait(connection, Waiting.NEXT if connection.intake.is_empty else Waiting.HEAD)

    # Answering

    def _answer(self, connection: Connection, request: Request) -> tuple[bool, bool]:
        """Make the answer and hand it over (in a thread); return whether all is sent, and whether to keep the connection."""
        keeps = self.handle_request(request, connection)
        connection.begin_hand_over()
        if not connection.send():
            return False, keeps
        connection.close_answer()
        return True, keeps

    def _answered(self, connection: Connection, future: Future[tuple[bool, bool]]) -> None:
        error = future.exception()
        if error is not None:
            self._failed(connection, error)
            return
        is_sent, keeps = future.result()
        if is_sent:
            self._sent(connection, keeps=keeps)
        else:
            self._wait(connection, Waiting.HAND_OVER, keeps=keeps)

    def _failed(self, connection: Connection, error: BaseException) -> None:
        is_client_gone = isinstance(error, OSError) and not connection.sock.parts
        if not is_client_gone:
            self.log.error("The application failed", exc_info=error)
        connection.sock.parts.clear()
        if connection.sock.answer is not None:
            self._closers.submit(connection.close_answer)
        if is_client_gone:
            self._drop(connection)
        else:
            self._refuse(connection, None)

    def _writable(self, connection: Connection, keeps: bool, _socket: socket.socket) -> None:
        try:
            if not connection.send():
                return
        except OSError:
            self._drop(connection)
            return
        self._stop_waiting(connection)
        self._closers.submit(connection.close_answer).add_done_callback(
            lambda _: self.method_queue.defer(partial(self._sent, connection, keeps=keeps))
        )

    def _sent(self, connection: Connection, *, keeps: bool) -> None:
        if keeps:
            self._take(connection)
        else:
            self._say_goodbye(connection)

    def _refuse(self, connection: Connection, error: Exception | None) -> None:
        code, answer = refusal(error)
        self.log.info("Refused before the application: %s", code)
        with contextlib.suppress(OSError):
            connection.socket.send(answer)
        self._say_goodbye(connection)

    # Waiting and ending

    def _wait(self, connection: Connection, waiting: Waiting, *, keeps: bool = False) -> None:
        if connection.waiting is waiting:
            return
        allowed = min(waiting.value, _STOP_LINGER_S) if not self.alive else waiting.value
        if connection.waiting is None:
            is_sending = waiting is Waiting.HAND_OVER
            call = partial(self._writable, connection, keeps) if is_sending else partial(self._readable, connection)
            self.poller.register(
                connection.socket, selectors.EVENT_WRITE if is_sending else selectors.EVENT_READ, call
            )
        else:
            del self._deadlines[connection.waiting][connection]
        connection.waiting = waiting
        self._deadlines[waiting][connection] = time.monotonic() + allowed

    def _stop_waiting(self, connection: Connection) -> None:
        if connection.waiting is not None:
            self.poller.unregister(connection.socket)
            del self._deadlines[connection.waiting][connection]
            connection.waiting = None

    def _say_goodbye(self, connection: Connection) -> None:
        """Half-close, and read on for a moment: else a reset could overtake the answer (RFC 9112 §9.6)."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
        else:
            self._wait(connection, Waiting.GOODBYE)

    def _drop(self, connection: Connection) -> None:
        is_handing_over = connection.waiting is Waiting.HAND_OVER
        self._stop_waiting(connection)
        self.nr_conns -= 1
        if is_handing_over:
            connection.cut()
            self._closers.submit(connection.close_answer)
        else:
            connection.socket.close()

    def _expire(self, connection: Connection) -> None:
        is_asking = connection.waiting in {Waiting.HEAD, Waiting.BODY} and not connection.intake.is_empty
        if is_asking:
            self._refuse(connection, TimeoutError())
        else:
            self._drop(connection)

    # What gunicorn's loop calls

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        oldest = [next(iter(waiting.values())) for waiting in self._deadlines.values() if waiting]
        until = max(0.0, min(oldest) - time.monotonic()) if oldest else timeout
        super().wait_for_and_dispatch_events(min(timeout, until))

    def murder_keepalived(self, force: bool = False) -> None:
        """End what has waited too long, or everything that waits."""
        now = float("inf") if force else time.monotonic()
        for waiting in self._deadlines.values():
            for connection in [connection for connection, deadline in waiting.items() if deadline <= now]:
                self._drop(connection) if force else self._expire(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """Begin to stop: listen no more, and wait for nobody longer than until `deadline`."""
        for listener in self.sockets:
            listener.close()
        for waiting in self._deadlines.values():
            for connection, late in waiting.items():
                waiting[connection] = min(late, deadline)
