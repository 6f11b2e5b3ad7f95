"""One round of the worker: expiry is written down, banks are told when the last grant has ended."""

from dataclasses import replace

import pytest

from broker.banks.connector import Credential
from broker.cli.worker import run_once
from broker.edge.services import Services
from broker.errors import BankUnavailable, LogUnavailable
from broker.grants.service import Part
from broker.release import Wanted
from broker.release.counting import recount_stalest
from broker.tokens.machine import find_machine, issue_machine
from tests.support.core import CREDENTIAL, House, as_text, call_of
from tests.support.edge import services_of


@pytest.fixture
def services(house: House) -> Services:
    return services_of(house)


def credential(house: House) -> Credential | None:
    with house.database.read() as session:
        identity = house.users.at_bank(session, house.alice.user_id, "harbor")
    assert identity is not None
    return None if identity.credential is None else Credential.load(identity.credential)


def test_expiry_is_written_down_and_the_bank_is_told(house: House, services: Services) -> None:
    house.approved()
    house.watch.passes(days=90)
    run_once(services)
    assert "grant.expired" in house.events()
    assert house.bank.ended == [CREDENTIAL]
    assert credential(house) is None
    run_once(services)
    assert house.events().count("grant.expired") == 1
    assert house.bank.ended == [CREDENTIAL]


def test_who_agreed_is_counted_anew_before_calls_have_to(house: House, services: Services) -> None:
    with house.release.read(call_of(house.approved()), Wanted("balances"), as_text).held:
        pass
    house.watch.passes(minutes=11)
    run_once(services)
    assert not recount_stalest(house.database, house.watch())


def test_the_banks_tokens_end_with_the_last_grant_only(house: House, services: Services) -> None:
    first, second = house.approved(), house.approved()
    house.grants.revoke(house.alice, first, Part())
    run_once(services)
    assert house.bank.ended == []
    house.grants.revoke(house.alice, second, Part())
    run_once(services)
    assert house.bank.ended == [CREDENTIAL]


def test_a_grant_that_came_after_the_end_keeps_the_banks_tokens(house: House, services: Services) -> None:
    house.grants.revoke(house.alice, house.approved(), Part())
    house.approved()
    run_once(services)
    assert house.bank.ended == []
    assert credential(house) == CREDENTIAL


def test_a_newer_sign_in_keeps_its_tokens(house: House, services: Services) -> None:
    house.grants.revoke(house.alice, house.approved(), Part())
    house.watch.passes(seconds=1)
    house.signs_in()
    run_once(services)
    assert house.bank.ended == []
    assert credential(house) == CREDENTIAL


def test_a_sign_in_while_the_bank_is_being_told_keeps_its_tokens(house: House, services: Services) -> None:
    newer = replace(CREDENTIAL, access_token="newer")

    def sign_in_again() -> None:
        with house.database.write() as session:
            house.users.sign_in(
                session,
                bank_id="harbor",
                subject="sub-alice",
                name="Alice",
                credential=newer.dump(),
                now=house.watch(),
            )

    house.grants.revoke(house.alice, house.approved(), Part())
    house.bank.on_end = sign_in_again
    run_once(services)
    assert credential(house) == newer


def test_a_bank_that_does_not_answer_is_told_later(house: House, services: Services) -> None:
    house.grants.revoke(house.alice, house.approved(), Part())
    house.bank.error = BankUnavailable()
    run_once(services)
    assert credential(house) == CREDENTIAL
    house.bank.error = None
    house.watch.passes(seconds=9)
    run_once(services)
    assert house.bank.ended == []
    house.watch.passes(seconds=1)
    run_once(services)
    assert house.bank.ended == [CREDENTIAL]


def test_a_person_whose_credential_is_gone_needs_no_telling(house: House, services: Services) -> None:
    house.grants.revoke(house.alice, house.approved(), Part())
    with house.database.write() as session:
        house.users.replace_credential(session, house.alice.user_id, "harbor", old=CREDENTIAL.dump(), new=None)
    run_once(services)
    assert house.bank.ended == []


def test_a_round_that_cannot_write_the_log_loses_nothing(house: House, services: Services) -> None:
    grant_id = house.approved()
    house.watch.passes(days=90)
    house.breaks_log_at("grant.expired")
    with pytest.raises(LogUnavailable):
        run_once(services)
    house.mends_log()
    run_once(services)
    assert "grant.expired" in house.events()
    assert house.grant(grant_id).status == "EXPIRED"


def test_what_is_old_is_forgotten(house: House, services: Services) -> None:
    house.approved()
    house.watch.passes(days=200)
    run_once(services)
    with house.database.read() as session:
        for table in ("single_use", "codes", "tokens", "web_sessions", "pushed_requests"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0  # noqa: S608 - the names stand above


def test_a_machine_token_is_forgotten_a_day_after_its_end(house: House, services: Services) -> None:
    facts = {"platform_id": "messenger", "jkt": "jkt", "scopes": ("grant_management_query",)}
    with house.database.write() as session:
        secret, _ = issue_machine(session, **facts, requires_nonce=False, now=house.watch())
    for days, is_known in ((1, True), (1, False)):
        house.watch.passes(days=days)
        run_once(services)
        with house.database.read() as session:
            assert (find_machine(session, secret) is not None) is is_known
