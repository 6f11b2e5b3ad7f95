"""The fence of a release is held until the server has closed the answer, and never longer, whatever happens to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from broker.edge.hand_over import DOWNLOAD, HandOver, may_be_taken_slowly, until_handed_over
from broker.errors import StorageUnavailable
from broker.grants.fence import Fences
from tests.support.core import House, account
from tests.support.edge import Platform, app_of


@pytest.fixture
def fences(house: House) -> Iterator[Fences]:
    opened = Fences(house.database, wait_s=0.05)
    yield opened
    opened.close()


@pytest.fixture
def is_held(fences: Fences) -> Callable[[str], bool]:
    def asks(name: str = "g") -> bool:
        try:
            fences.exclusive([name]).drop()
        except StorageUnavailable:
            return True
        return False

    return asks


@pytest.fixture
def app(fences: Fences) -> Flask:
    """Answer in several ways after a release."""
    app = Flask("hand-over")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/<way>")
    def answers(way: str) -> Any:
        until_handed_over(fences.shared("g"))
        if way == "fault":
            raise ZeroDivisionError
        if way == "stream":
            return iter([b"one", b"two"])
        return ("refused", 403) if way == "refused" else "whole"

    app.wsgi_app = HandOver(app.wsgi_app)  # type: ignore[method-assign]  # as the product does
    return app


def environ(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    return EnvironBuilder(path, "http://localhost:8400", method=method, headers=headers).get_environ()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("way", "status"), [("whole", 200), ("stream", 200), ("refused", 403), ("fault", 500)])
def test_the_fence_is_held_until_the_answer_is_closed(
    app: Flask, is_held: Callable[[], bool], method: str, way: str, status: int
) -> None:
    body, said, _ = run_wsgi_app(app.wsgi_app, environ(f"/{way}", method))
    assert said == f"{status} " + said.partition(" ")[2]
    for _ in body:
        assert is_held()
    assert is_held()
    body.close()
    assert not is_held()


def test_a_client_that_goes_away_in_the_middle_drops_the_fence(app: Flask, is_held: Callable[[], bool]) -> None:
    body, _, _ = run_wsgi_app(app.wsgi_app, environ("/stream"))
    assert next(iter(body)) == b"one"
    assert is_held()
    body.close()
    assert not is_held()


def test_an_application_that_raises_past_its_own_errors_drops_the_fence(
    app: Flask, is_held: Callable[[], bool]
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ZeroDivisionError):
        run_wsgi_app(app.wsgi_app, environ("/fault"))
    assert not is_held()


def test_an_answer_that_is_closed_twice_drops_the_fence_of_nobody_else(
    app: Flask, fences: Fences, is_held: Callable[[], bool]
) -> None:
    body, _, _ = run_wsgi_app(app.wsgi_app, environ("/whole"))
    body.close()
    with fences.shared("g"):
        body.close()
        assert is_held()


def test_a_released_answer_holds_its_grant_until_it_is_closed_and_a_refused_one_holds_nothing(
    house: House, is_held: Callable[[str], bool]
) -> None:
    house.bank.own_accounts = [account("ref-1")]
    app = app_of(house)
    platform = Platform(house, app.test_client(), house.approved())
    path = "/v1/accounts"
    for proof, status in ((platform.proof(path), "200 OK"), ("not a proof", "401 UNAUTHORIZED")):
        headers = {"Authorization": f"DPoP {platform.token}", "DPoP": proof}
        body, said, _ = run_wsgi_app(app.wsgi_app, environ(path, **headers))
        assert said == status
        assert is_held(platform.grant_id) is (status == "200 OK")
        body.close()
        assert not is_held(platform.grant_id)


@pytest.mark.parametrize("says_so", ["not at all", "before the fence", "after the fence", "without a fence"])
def test_only_an_answer_without_a_fence_may_be_taken_slowly(fences: Fences, says_so: str) -> None:
    with ExitStack() as held, Flask("hand-over").test_request_context(environ_overrides={"broker.held": held}):
        if says_so == "before the fence":
            may_be_taken_slowly()
        if says_so != "without a fence":
            until_handed_over(fences.shared("g"))
        if says_so in {"after the fence", "without a fence"}:
            may_be_taken_slowly()
        assert request.environ.get(DOWNLOAD, False) is (says_so == "without a fence")
