"""What a bank can do wrong with one answer, each by a name: on the wire, in its form, in what it says."""

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from tests.support.lying_bank import Asked, Lie, answer, truth

CANARY = "Zanzibar-7391"
"""Stands in what no platform may ever see."""
FOREIGN = "someone-else.a"
_PIECE = 65_536
_DEEP = 100_000


def raw(data: bytes) -> Lie:
    return lambda connection, _asked, _closing: connection.sendall(data)


def hang(_connection: socket.socket, _asked: Asked, closing: threading.Event) -> None:
    closing.wait(30)


def drip(before: bytes) -> Lie:
    """Send one byte every tenth of a second, for ten seconds: each single read is quick."""

    def lie(connection: socket.socket, _asked: Asked, closing: threading.Event) -> None:
        connection.sendall(before)
        for _ in range(100):
            closing.wait(0.1)
            connection.sendall(b"x")

    return lie


def reset(sent: bytes) -> Lie:
    def lie(connection: socket.socket, _asked: Asked, _closing: threading.Event) -> None:
        if sent:
            connection.sendall(sent)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # closing becomes a reset

    return lie


def flood(*, chunked: bool, piece: bytes = b"[" * _PIECE, headers: str = "") -> Lie:
    """Send a gigabyte, announced or in chunks without end."""

    def lie(connection: socket.socket, _asked: Asked, _closing: threading.Event) -> None:
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1073741824"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}{framing}\r\n\r\n"
        connection.sendall(head.encode())
        framed = f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if chunked else piece
        for _ in range(2**30 // len(piece)):
            connection.sendall(framed)

    return lie


def interim(connection: socket.socket, _asked: Asked, closing: threading.Event) -> None:
    while not closing.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" * 100)


def saying(content: Any, status: int = 200, *headers: str) -> Lie:
    return raw(answer(content, status, *headers))


def twisting(twist: Callable[[Any], Any]) -> Lie:
    """Answer what an honest bank would, but for a change."""

    def lie(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
        if asked.honest is None or asked.path.startswith("/.well-known"):
            truth(connection, asked, closing)
            return
        connection.sendall(answer(twist(json.loads(json.dumps(asked.honest)))))

    return lie


def setting(**members: Any) -> Lie:
    return twisting(lambda content: content | members)


def spelt(old: str, new: str) -> Lie:
    """Change the text of the honest answer, to what no JSON writer would write."""

    def lie(connection: socket.socket, asked: Asked, _closing: threading.Event) -> None:
        connection.sendall(answer(json.dumps(asked.honest).replace(old, new, 1).encode()))

    return lie


def foreign_rows(name: str, count: int = 1) -> Lie:
    """Put rows of another customer's account before the customer's own."""

    def twist(content: Any) -> Any:
        rows = content.get(name)
        if rows:
            strangers = [rows[0] | _stranger(number) for number in range(count)]
            content[name] = strangers + rows
        return content

    return twisting(twist)


def _stranger(number: int) -> dict[str, Any]:
    return {
        "accountId": f"{FOREIGN}{number}",
        "transactionId": f"foreign-{number}",
        "productName": f"{CANARY} {number}",
        "description": f"{CANARY} {number}",
    }


def another_customer(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Serve, under the customer's token, all of somebody else's answers."""
    with contextlib.suppress(OSError):
        if asked.path.endswith("/customers/current"):
            connection.sendall(answer({"customerId": "somebody-else"}))
            return
        foreign_rows("accounts")(connection, asked, closing)


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WIRE: dict[str, Lie] = {
    "hangs": hang,
    "drips its status line": drip(b""),
    "drips its headers": drip(_OK + b"X-Drip: "),
    "drips its body": drip(_OK + b"Content-Length: 60000\r\n\r\n"),
    "resets at once": reset(b""),
    "resets in the headers": reset(_OK),
    "resets in the body": reset(_OK + b'Content-Length: 600\r\n\r\n{"accounts": ['),
    "ends in the body": raw(_OK + b'Content-Length: 600\r\n\r\n{"accounts": ['),
    "announces a gigabyte": flood(chunked=False),
    "sends a gigabyte in chunks": flood(chunked=True),
    "sends a gzip bomb": saying(gzip.compress(b"[" * 50_000_000, 9, mtime=0), 200, "Content-Encoding: gzip"),
    "sends gzip bombs in chunks": flood(
        chunked=True, piece=gzip.compress(b"[" * 10_000_000, 9, mtime=0), headers="Content-Encoding: gzip\r\n"
    ),
    "packs in an unknown way": saying({}, 200, "Content-Encoding: br"),
    "sends hundreds of headers": raw(_OK + b"A: b\r\n" * 5_000 + b"\r\n"),
    "sends one large header": raw(_OK + b"A: " + b"a" * 200_000 + b"\r\n\r\n{}"),
    "says continue for ever": interim,
    "sends early hints": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "speaks another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "speaks TLS": raw(b"\x15\x03\x01\x00\x02\x02\x28"),
    "names two lengths": raw(_OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
}
REFUSALS: dict[str, Lie] = {
    f"answers {status}": saying({"message": CANARY}, status)
    for status in (204, 206, 400, 401, 403, 404, 409, 418, 429, 451, 500, 501, 502, 503, 504, 599)
}
REDIRECTS: dict[str, Lie] = {
    f"redirects with {status} to {place}": saying({}, status, f"Location: {place}")
    for status, place in (
        (301, "http://127.0.0.1:1/"),
        (302, "http://169.254.169.254/latest/"),
        (303, "file:///etc/passwd"),
        (307, "http://[::1]/"),
        (308, "//somewhere.example/"),
    )
}
FORMS: dict[str, Lie] = {
    "is empty": saying(b""),
    "is HTML": saying(f"<html>{CANARY}</html>".encode(), 200, "Content-Type: text/html"),
    "is JSON under another name": twisting(lambda content: content),
    "is not JSON": saying(f"{{{CANARY}".encode()),
    "has something after it": spelt("}", "} x"),
    "is UTF-16": saying(json.dumps({"a": CANARY}).encode("utf-16")),
    "is broken UTF-8": saying(b'{"a": "\xff"}'),
    "is null": saying(None),
    "is a list": saying([CANARY]),
    "is a text": saying(CANARY),
    "is deep": saying(b"[" * _DEEP + b"]" * _DEEP),
    "is deep in objects": saying(b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
    "has millions of values": saying(b"[" + b"0.5," * 1_000_000 + b"1]"),
    "names a member twice": spelt('"accountId"', '"accountId": "x", "accountId"'),
    "has NaN": spelt('"currentBalance": ', '"currentBalance": NaN, "x": '),
    "has Infinity": spelt('"currentBalance": ', '"currentBalance": Infinity, "x": '),
    "has a number of many digits": spelt('"currentBalance": ', '"currentBalance": ' + "9" * 5_000 + ', "x": '),
}
FORMS["is JSON under another name"] = saying({"accountId": CANARY}, 200, "Content-Type: text/plain")
BALANCES: dict[str, Lie] = {
    "gives another account": setting(accountId=FOREIGN, currentBalance=7391.07),
    "gives no account": setting(accountId=None),
    "gives a list for a balance": setting(currentBalance=[]),
    "gives a text for a balance": setting(currentBalance="1.00"),
    "gives an absurd balance": setting(currentBalance=10**30),
    "gives a currency in small letters": setting(currency={"currencyCode": "gbp"}),
    "gives a currency that is none": setting(currency={"currencyCode": 7}),
    "gives no currency": setting(currency=None),
    "dates it without a zone": setting(balanceAsOf="2026-11-20T09:00:00"),
    "dates it absurdly early": setting(balanceAsOf="0001-01-01T00:00:00Z"),
    "dates it absurdly late": setting(balanceAsOf="9999-12-31T23:59:59-14:00"),
    "dates it with a number": setting(balanceAsOf=1_700_000_000),
    "gives another kind of account": setting(accountCategory="INVESTMENT_ACCOUNT"),
}
TRANSACTIONS: dict[str, Lie] = {
    "has a row of another account": foreign_rows("transactions"),
    "has rows that are none": twisting(lambda content: content | {"transactions": [CANARY]}),
    "has an object for rows": twisting(lambda content: content | {"transactions": {"a": CANARY}}),
    "has pages that lead in a circle": setting(page={"nextOffset": "again"}),
    "has pages that climb out": setting(page={"nextOffset": "../../x y"}),
    "has page marks of the wrong kind": setting(page={"nextOffset": ["a"]}),
}
LISTS: dict[str, Lie] = {
    "is about another customer": another_customer,
    "has no customer": twisting(lambda content: {} if "customerId" in content else content),
    "lists an account twice": twisting(
        lambda content: content | {"accounts": content["accounts"] * 2} if "accounts" in content else content
    ),
}


def endless_pages() -> Lie:
    """Give every page another next one."""
    numbers = iter(range(10**9))
    return twisting(lambda content: content | {"page": {"nextOffset": f"p{next(numbers)}"}})


TRANSACTIONS["has pages without end"] = endless_pages()
ABOUT: dict[str, dict[str, Lie]] = {
    "balances": WIRE | REFUSALS | REDIRECTS | FORMS | BALANCES,
    "transactions": TRANSACTIONS,
    "accounts": LISTS,
}
"""Each lie with the category in whose reading it is told."""
