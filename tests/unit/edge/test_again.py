"""A request that lost to another one is run again, when nothing of it lasts, and answered once."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest

from broker.edge.again import Again
from broker.storage.conflicts import note_lasting, note_loss

_UNAVAILABLE, _DONE = "503 SERVICE UNAVAILABLE", "303 SEE OTHER"


class Losing:
    """An application that loses so many times; `act` is what it does before."""

    def __init__(self, losses: int, act: Callable[[], None] = lambda: None) -> None:
        self.losses = losses
        self.act = act
        self.bodies: list[bytes] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.act()
        self.bodies.append(environ["wsgi.input"].read())
        has_lost = len(self.bodies) <= self.losses
        if has_lost:
            note_loss()
        start_response(_UNAVAILABLE if has_lost else _DONE, [])
        return [b"answer"]


def asked(application: Losing, **given: Any) -> list[str]:
    """Ask once; return the statuses that were told."""
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": "4",
        "wsgi.input": BytesIO(b"form"),
        "broker.interaction_id": "c8f5877f-8a0d-4ba9-b37d-ff80c738e219",
        **given,
    }
    again = Again(application, 10, sleep=lambda _: None)
    assert list(again(environ, lambda status, _headers, *_: told.append(status))) == [b"answer"]  # type: ignore[arg-type, func-returns-value]
    return told


def test_a_request_that_lost_is_run_again_with_its_body() -> None:
    application = Losing(2)
    assert asked(application) == [_DONE]
    assert application.bodies == [b"form"] * 3


def test_who_loses_each_time_is_told_so_once() -> None:
    application = Losing(100)
    assert asked(application) == [_UNAVAILABLE]
    assert len(application.bodies) == 6


def test_what_has_done_something_that_lasts_is_not_run_again() -> None:
    application = Losing(1, act=note_lasting)
    assert asked(application) == [_UNAVAILABLE]
    assert len(application.bodies) == 1


@pytest.mark.parametrize(
    "given", [{"CONTENT_LENGTH": "11"}, {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}]
)
def test_a_body_that_cannot_be_kept_is_left_to_the_application(given: dict[str, str]) -> None:
    application = Losing(1)
    assert asked(application, **given) == [_UNAVAILABLE]
    assert application.bodies == [b"form"]


def test_each_request_begins_anew() -> None:
    again = Losing(0, act=note_lasting)
    assert asked(again) == [_DONE]
    application = Losing(1)
    assert asked(application) == [_DONE]
    assert len(application.bodies) == 2
