"""Rows 6 and 32: when the clock steps no replay gets through, nobody honest is refused, nothing ended comes back."""

import random
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from broker.app import create_app
from broker.audit.vocabulary import Event
from broker.banks import service as banks
from broker.platforms import service as platforms
from broker.storage.single_use import forget_expired
from tests.support.caller import ASSERTION_TYPE, CALLBACK
from tests.support.core import DATA, House, open_house
from tests.support.edge import BASE, Platform, services_of
from tests.support.signer import Signer
from tests.support.sizes import Size

pytestmark = pytest.mark.timeout(1_200)
_STEPS_S = (-60, -59.9, -30, -10, -1, 0, 1, 9.9, 10, 30, 59.9, 60, 60.1, 119.9, 120, 130, 180.1, 240, 299.9, 300)
"""Where something begins or ends: the window of a proof, the life of an assertion, the memory of both."""
_SEED = 20_261_122
_FOR_A_CODE = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "balances"}


@dataclass
class Stepping:
    """A broker whose clock a test moves, and a platform whose own clock is right."""

    house: House
    http: FlaskClient
    platform: Platform
    key: Signer

    def steps(self, seconds: float) -> None:
        """Let the broker's clock step and the worker forget what it holds to be old."""
        self.house.watch.passes(seconds=seconds)
        with self.house.database.write() as session:
            forget_expired(session, self.house.watch())

    def assertion(self, off_s: float = 0) -> str:
        now = int(self.house.watch().timestamp() + off_s)
        return self.key.assertion("messenger", BASE, iat=now, exp=now + 60, jti=secrets.token_urlsafe(12))

    def pushes(self, assertion: str) -> int:
        who = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        challenge = {"code_challenge": "c" * 43, "code_challenge_method": "S256"}
        return self.http.post("/oauth/par", data=who | challenge | _FOR_A_CODE).status_code

    def proof(self, off_s: float = 0) -> str:
        at = int(self.house.watch().timestamp() + off_s)
        return self.platform.proof("/v1/accounts", iat=at)

    def reads(self, proof: str | None = None) -> int:
        return self.platform.get("/v1/accounts", proof=proof).status_code


def stepping(house: House) -> Stepping:
    built, key = services_of(house), Signer()
    app = create_app(replace(built, settings=replace(built.settings, request_max_bytes=100_000)))
    with house.database.write() as session:
        registered = platforms.Platform(
            "messenger",
            platforms.PlatformKind.PLATFORM,
            "Messenger",
            {"keys": [key.jwk]},
            (CALLBACK,),
            DATA,
            ("chat_banking",),
            "chat_banking",
        )
        known = banks.Bank("harbor", "Harbor", "fdx", "http://b.test", "http://b.test", "broker", "openid")
        banks.add(session, known, house.watch())
        platforms.add(session, house.catalogue, registered, http_loopback=True, now=house.watch())
    return Stepping(house, app.test_client(), Platform(house, app.test_client(), house.approved()), key)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stepping]:
    with open_house(tmp_path) as house:
        yield stepping(house)


@pytest.mark.parametrize("what", ["proof", "assertion"])
def test_no_replay_gets_through_wherever_the_clock_steps(world: Stepping, size: Size, what: str) -> None:
    accepted, tried = accepted_replays(world, what, size.of(test=20, campaign=700))
    assert tried > 0
    assert accepted == []


@pytest.mark.parametrize("off_s", [-10, -9.5, -1, 0, 0.4, 1, 9.5, 10])
def test_a_client_whose_clock_is_off_by_ten_seconds_at_most_is_never_refused(world: Stepping, off_s: float) -> None:
    for step in (0.0, 0.25, 0.5, 0.999):
        world.steps(step)
        assert world.pushes(world.assertion(off_s)) == 201
        assert world.reads(world.proof(off_s)) == 200


@pytest.mark.parametrize("back_s", [0.001, 1, 60, 300, 3_600])
def test_what_was_once_refused_as_expired_stays_so_when_the_clock_steps_back(world: Stepping, back_s: float) -> None:
    end = world.house.grant(world.platform.grant_id).expires_at
    world.house.watch.now = end - timedelta(seconds=1)
    world.platform.__post_init__()  # a token that lives to the end of the grant
    assert world.reads() == 200
    world.house.watch.now = end
    assert world.reads() == 401
    world.house.watch.now = end - timedelta(seconds=back_s)
    world.platform.__post_init__()
    assert world.reads() == 401
    released = [entry for entry in world.house.log() if entry.event is Event.ACCESS_RELEASED]
    assert len(released) == 1


def test_the_times_of_the_log_never_run_backwards(world: Stepping, size: Size) -> None:
    chance = random.Random(_SEED)
    for _ in range(size.of(test=20, campaign=400)):
        world.steps(chance.choice(_STEPS_S))
        world.reads(world.proof())
    times = [entry.at for entry in world.house.log()]
    assert times == sorted(times)


@pytest.mark.control
def test_a_memory_that_ends_with_the_clock_is_caught(world: Stepping) -> None:
    def forgets_at_once(seconds: float) -> None:
        world.house.watch.passes(seconds=seconds)
        with closing(world.house.database.engine.raw_connection()) as connection:
            # What the worker would do if it took its clock's word for it.
            now = world.house.watch().strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute("DELETE FROM single_use WHERE expires_at < ?", (now,))

    world.steps = forgets_at_once  # type: ignore[method-assign] # the planted fault
    accepted, _ = accepted_replays(world, "proof", 20)
    assert accepted != []


def accepted_replays(world: Stepping, what: str, count: int) -> tuple[list[tuple[float, float]], int]:
    """Use each proof once, step the clock there and back, and try it again; return the steps that let one through."""
    chance, accepted = random.Random(_SEED), []
    good = 200 if what == "proof" else 201
    for _ in range(count):
        if what == "proof":
            world.platform.__post_init__()  # a new token, which lives for five minutes
        used = world.proof() if what == "proof" else world.assertion()
        assert _tried(world, what, used) == good
        first, second = chance.choice(_STEPS_S), chance.choice(_STEPS_S)
        for total, step in ((first, first), (first + second, second), (0.0, -first - second)):
            world.steps(step)
            if _tried(world, what, used) == good:
                accepted.append((first, total))
        world.house.watch.passes(seconds=1)
    return accepted, 3 * count


def _tried(world: Stepping, what: str, used: str) -> int:
    return world.reads(used) if what == "proof" else world.pushes(used)
