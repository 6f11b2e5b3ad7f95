"""In an advanced sandbox our promises end, while proofs of those who live in real time are judged by the real time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.app import create_app
from broker.cli.worker import run_once
from broker.edge.services import Services
from tests.support.core import NOON, House, Watch
from tests.support.edge import Platform, problem, services_of

PATH = "/v1/accounts/balances"


@pytest.fixture
def wall() -> Watch:
    return Watch()


@pytest.fixture
def services(house: House, wall: Watch) -> Services:
    return replace(services_of(house), wall=wall)


@pytest.fixture
def platform(house: House, services: Services) -> Platform:
    return Platform(house, create_app(services).test_client(), house.approved())


def proof(platform: Platform, wall: Watch, seconds: int = 0) -> str:
    return platform.proof(PATH, iat=int(wall().timestamp()) + seconds)


def test_a_proof_made_in_real_time_is_good_in_an_advanced_sandbox(
    house: House, platform: Platform, wall: Watch
) -> None:
    house.watch.passes(minutes=4)
    assert platform.get(PATH, proof=proof(platform, wall)).status_code == 200


def test_after_the_grants_end_a_good_proof_learns_that_it_has_expired(
    house: House, platform: Platform, wall: Watch
) -> None:
    house.watch.passes(days=90)
    assert problem(platform.get(PATH, proof=proof(platform, wall))) == (401, "grant-expired")


@pytest.mark.parametrize("seconds", [-62, 12])
def test_a_proof_that_is_old_or_early_in_real_time_is_refused_whatever_the_sandboxs_clock_says(
    house: House, platform: Platform, wall: Watch, seconds: int
) -> None:
    house.watch.passes(minutes=5)
    assert problem(platform.get(PATH, proof=proof(platform, wall, seconds))) == (401, "dpop-proof-invalid")
    ahead = platform.proof(PATH)
    assert problem(platform.get(PATH, proof=ahead)) == (401, "dpop-proof-invalid"), "the sandbox's time is not theirs"


def test_a_proof_stays_used_while_its_age_in_real_time_would_let_it_in(
    house: House, platform: Platform, services: Services, wall: Watch
) -> None:
    used = proof(platform, wall)
    assert platform.get(PATH, proof=used).status_code == 200
    house.watch.passes(minutes=4)
    run_once(services)
    wall.passes(seconds=59)
    assert problem(platform.get(PATH, proof=used)) == (401, "dpop-proof-replayed")


def test_a_used_proof_is_forgotten_when_its_age_refuses_it_in_real_time(
    house: House, platform: Platform, services: Services, wall: Watch
) -> None:
    assert platform.get(PATH, proof=proof(platform, wall)).status_code == 200
    wall.passes(minutes=3)
    house.watch.now = wall.now + timedelta(days=1)
    run_once(services)
    with house.database.read() as session:
        counted = session.connection().exec_driver_sql("SELECT count(*) FROM single_use WHERE namespace = 'dpop'")
        assert counted.scalar_one() == 0
    assert wall.now > NOON
