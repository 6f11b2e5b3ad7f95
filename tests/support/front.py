"""One address before several nodes: spreads connections over those that are ready, as a load balancer does."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.wire import message

_CHECK_EVERY_S, _CHECK_S = 0.5, 2.0
_READ_BYTES = 65_536
_READY = message("GET", "/readyz", {"Connection": "close"})


@dataclass
class Front:
    """The address. `in_service` are the ports of the nodes that new connections go to, `served` counts them by node."""

    port: int
    nodes: Sequence[int]
    in_service: set[int] = field(default_factory=set)
    served: dict[int, int] = field(default_factory=dict)
    _turn: int = 0

    async def listen(self, ready: threading.Event, over: asyncio.Event) -> None:
        """Take connections until it is over."""
        self.in_service = set(self.nodes)
        server = await asyncio.start_server(self._hand_on, "127.0.0.1", self.port)
        checking = {asyncio.create_task(self._check(node)) for node in self.nodes}
        ready.set()
        await over.wait()
        server.close()
        left = checking | (asyncio.all_tasks() - {asyncio.current_task()})
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways between a client and one node, until either ends."""
        found = await self._connected()
        if found is None:
            writer.close()
            return
        node_reader, node_writer = found
        ways = [asyncio.create_task(_carry(reader, node_writer)), asyncio.create_task(_carry(node_reader, writer))]
        with contextlib.suppress(asyncio.CancelledError):  # the front has ended
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        writer.close()
        node_writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the next node; one that takes no connection is out of service until it is ready again."""
        for _ in self.nodes:
            node = self.nodes[self._turn % len(self.nodes)]
            self._turn += 1
            if node not in self.in_service:
                continue
            try:
                line = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", node), _CHECK_S)
            except OSError:
                self.in_service.discard(node)
                continue
            self.served[node] = self.served.get(node, 0) + 1
            return line
        return None

    async def _check(self, node: int) -> None:
        """Ask a node again and again whether it is ready."""
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            if await _is_ready(node):
                self.in_service.add(node)
            else:
                self.in_service.discard(node)


@contextmanager
def listening(front: Front) -> Iterator[Front]:
    """Run a front in a thread of its own while the block runs."""
    loop, over, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    def run() -> None:
        with contextlib.closing(loop):
            loop.run_until_complete(front.listen(ready, over))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(_CHECK_S), "the front's port is taken"
        yield front
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _is_ready(node: int) -> bool:
    try:
        async with asyncio.timeout(_CHECK_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", node)
            try:
                writer.write(_READY)
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:  # a timeout is one, too
        return False


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()
