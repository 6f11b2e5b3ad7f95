"""A small quick FDX bank in a process of its own: canned data for any customer, and faults on command.

`python -m tests.support.quick_bank` prints its port and lives until its standard input is closed. A customer's access
token is `of-<customer>`, their accounts are `<customer>.a` and `<customer>.b`.
"""

import asyncio
import json
import subprocess
import sys
import threading
import zlib
from collections import deque
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from broker.banks.connector import Credential

_ROOT = Path(__file__).resolve().parents[2]
_END_OF_HEAD = b"\r\n\r\n"
_ACCOUNTS = ("a", "b")
_RECEIPTS_KEPT = 2_000


def credential_of(customer: str, now: datetime) -> Credential:
    """Return what the bank would have given the broker for this customer."""
    return Credential(f"of-{customer}", None, now + timedelta(days=1))


def accounts_of(customer: str) -> list[str]:
    return [f"{customer}.{name}" for name in _ACCOUNTS]


def balance_of(account: str) -> float:
    """Return the balance of an account: another for every account, so that a wrong one is seen."""
    return (1_000_000 + zlib.crc32(account.encode()) % 1_000_000) / 100


class QuickBank:
    """The running bank, as tests command it."""

    def __init__(self, code: Path = _ROOT) -> None:
        command = [sys.executable, "-m", "tests.support.quick_bank"]
        self.process = subprocess.Popen(command, cwd=code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.origin = f"http://localhost:{self.port}"

    def behaves(self, *, hang_s: float = 0, status: int = 200, reset: bool = False) -> None:
        """Let every further request wait so long, answer so, or have its connection cut; the defaults mend it."""
        self._control(f"/control?hang_s={hang_s}&status={status}&reset={int(reset)}")

    def served(self) -> list[str]:
        """Return the interaction ids of all data requests so far, in their order."""
        found: list[str] = self._control("/served")
        return found

    def receipts(self) -> list[str]:
        """Return the receipts that came with the newest data requests, as they stood in the header."""
        found: list[str] = self._control("/receipts")
        return found

    def close(self) -> None:
        self.process.communicate("", timeout=10)

    def _control(self, path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


class _Bank:
    """What the bank process knows."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"
        self.served: list[str] = []
        self.receipts: deque[str] = deque(maxlen=_RECEIPTS_KEPT)
        self.hang_s, self.status, self.reset = 0.0, 200, False

    def control(self, query: str) -> None:
        asked = dict(parse_qsl(query))
        self.hang_s, self.status, self.reset = float(asked["hang_s"]), int(asked["status"]), asked["reset"] == "1"

    def answer(self, path: str, customer: str) -> Any:
        """Return the content for one address of the customer, None for what is not theirs or not known."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.origin, "token_endpoint": f"{self.origin}/token"}
        parts = path.removeprefix("/fdx/v6/").split("/")
        if parts == ["customers", "current"]:
            return {"customerId": customer}
        if parts == ["accounts"]:
            return {"accounts": [_account(ref) for ref in accounts_of(customer)]}
        if parts[0] != "accounts" or parts[1] not in accounts_of(customer):
            return None
        return {"transactions": [_transaction(parts[1])]} if parts[2:] == ["transactions"] else _account(parts[1])


def _account(ref: str) -> dict[str, Any]:
    return {
        "accountCategory": "DEPOSIT_ACCOUNT",
        "accountId": ref,
        "accountNumberDisplay": f"0000{zlib.crc32(ref.encode()) % 10_000:04d}",
        "productName": f"Account {ref}",
        "status": "OPEN",
        "currency": {"currencyCode": "GBP"},
        "accountOwnership": "INDIVIDUAL",
        "balanceAsOf": _moment(timedelta()),
        "currentBalance": balance_of(ref),
        "availableBalance": balance_of(ref),
    }


def _transaction(ref: str) -> dict[str, Any]:
    return {
        "accountId": ref,
        "transactionId": f"t-{ref}",
        "status": "POSTED",
        "transactionTimestamp": _moment(timedelta(days=2)),
        "postedTimestamp": _moment(timedelta(days=1)),
        "description": f"Purchase of {ref}",
        "debitCreditMemo": "DEBIT",
        "amount": (1 + zlib.crc32(ref.encode()) % 10_000) / 100,
        "transactionType": "POSDEBIT",
        "cardAcceptor": {
            "merchantName": "Corner Shop",
            "merchantCategoryCode": "5411",
            "channel": "in_store",
            "cardAcceptorAddress": {"country": "GB", "townName": "Leeds", "postCode": "LS1 4AP"},
        },
    }


def _moment(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Connection(asyncio.Protocol):
    def __init__(self, bank: _Bank) -> None:
        self._bank = bank
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if _END_OF_HEAD not in self._read:
            return
        first, *lines = self._read.partition(_END_OF_HEAD)[0].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        url = urlsplit(first.split(" ")[1])
        if url.path == "/control":
            self._bank.control(url.query)
            self._send(200, {})
        elif url.path == "/served":
            self._send(200, self._bank.served)
        elif url.path == "/receipts":
            self._send(200, list(self._bank.receipts))
        else:
            if "x-broker-receipt" in headers:
                self._bank.receipts.append(headers["x-broker-receipt"])
            self._bank.served.append(headers.get("x-fapi-interaction-id", ""))
            self._serve(url.path, headers)

    def _serve(self, path: str, headers: dict[str, str]) -> None:
        bank, customer = self._bank, headers.get("authorization", "").removeprefix("Bearer of-")
        if bank.reset:
            self._transport.abort()
            return
        content = bank.answer(path, customer)
        status = bank.status if content is not None else 404
        if bank.hang_s:
            asyncio.get_running_loop().call_later(bank.hang_s, self._send, status, content)
        else:
            self._send(status, content)

    def _send(self, status: int, content: Any) -> None:
        if self._transport.is_closing():
            return
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self._transport.close()


async def _serve() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    banks: list[_Bank] = []
    server = await loop.create_server(lambda: _Connection(banks[0]), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    banks.append(_Bank(port))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    waiting = threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True)
    waiting.start()
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
