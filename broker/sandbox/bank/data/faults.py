"""What can go wrong at a bank, played on request: at the data API only, never at sign-in."""

from collections.abc import Iterator
from threading import Event

from flask import Response

from broker.sandbox.bank.context import bank

FAULTS = ("none", "down", "slow", "huge", "not_json", "wrong_customer")

_HUGE_BYTES = 1_000_000_000
_PIECE = b'{"transactionId":"0000000000000000","description":"nothing at all","amount":0.00},' * 800


def play_fault() -> Response | None:
    """Return the answer that the present fault gives instead of data; None lets the request go on."""
    playing = bank()
    match playing.fault:
        case "down":
            return Response("The service is down.", 503, content_type="text/plain; charset=utf-8")
        case "slow":
            # Waits for the end of the process too, so that a stop is never held up by a fault.
            playing.stopping.wait(playing.config.slow_seconds)
            return None
        case "huge":
            return Response(_endless(playing.stopping), content_type="application/json")
        case "not_json":
            return Response("<!doctype html><title>Bank</title><p>Hello.", content_type="text/html; charset=utf-8")
        case _:
            return None


def _endless(stopping: Event) -> Iterator[bytes]:
    yield b'{"transactions":['
    for _ in range(_HUGE_BYTES // len(_PIECE)):
        if stopping.is_set():
            return
        yield _PIECE
    yield b"{}]}"
