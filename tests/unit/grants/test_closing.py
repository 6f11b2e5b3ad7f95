"""Closing an account: over all banks at once, everything or nothing, and nobody comes back as the same person."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy.orm import Session

from broker.audit.reader import Page, of_user
from broker.cli.worker import run_once
from broker.edge.services import Services
from broker.errors import (
    BankUnavailable,
    BrokerError,
    ConsentRefused,
    LogUnavailable,
    StorageUnavailable,
    TokenRefused,
)
from broker.grants.acts import Actor
from broker.grants.closing import Closing
from broker.grants.fence import Fences
from broker.grants.linking import Linking
from broker.policy.terms import Choice
from broker.release import Wanted
from broker.tokens.service import end_all_of_grant, find_token, issue_access
from broker.users.passkeys import NewPasskey, Owner, OwnerKind, Passkeys
from tests.support.core import ASKER, CREDENTIAL, OFFERED, House, as_text, call_of
from tests.support.edge import services_of

BANKS = ("harbor", "meridian")


def nothing(_session: Session, _grants: Sequence[str]) -> None:
    """End nothing besides."""


def closing(house: House) -> Closing:
    return Closing(house.sequencer, house.fences, house.users, Passkeys(house.sealer), house.watch)


def close(house: House, besides: Callable[[Session, Sequence[str]], None] = nothing) -> None:
    closing(house).close(house.alice, besides)


@pytest.fixture
def at_two_banks(house: House) -> House:
    """Alice, who has linked her two banks and shares from both; one more request waits for her answer."""
    other = house.signs_in("sub-alice-there", "meridian")
    house.approved(bank="meridian", actor=Actor(other.user_id, "i"))
    Linking(house.sequencer, house.fences, house.watch).link(house.alice, "meridian", other.user_id)
    house.approved()
    house.approved(is_claimed=False)
    house.proposed(bank="meridian")
    return house


def grants_of(house: House) -> dict[str, tuple[str, str]]:
    return {
        str(row[0]): (str(row[1]), str(row[2]))
        for row in house.store.rows("SELECT id, status, status_code FROM grants")
    }


def kept_of(house: House) -> list[list[Any]]:
    """Everything that closing is to take away, of every table that holds some of it."""
    return [
        [*house.store.rows(query)]
        for query in (
            "SELECT * FROM audit_details WHERE log NOT LIKE '%operator%'",
            "SELECT * FROM audit_subjects",
            "SELECT * FROM passkeys",
            "SELECT grant_id, account_id FROM grant_accounts",
        )
    ]


def test_it_ends_everything_at_every_bank_and_says_so_last(at_two_banks: House) -> None:
    house = at_two_banks
    close(house)
    assert sorted(set(grants_of(house).values())) == [("REJECTED", "user-left"), ("REVOKED", "user-left")]
    told = [entry for entry in house.log() if {*entry.reasons} & {"user-left"} or entry.event.value == "details.erased"]
    for bank, ended in (("harbor", ["grant.revoked"] * 2), ("meridian", ["grant.revoked", "grant.refused"])):
        events = [entry.event.value for entry in told if entry.bank_id == bank]
        assert sorted(events[: len(ended)]) == sorted(ended)  # ids of one moment are in no order
        assert set(events[len(ended) :]) == {"details.erased"}
        assert [entry.event.value for entry in house.log() if entry.bank_id == bank][-len(events) :] == events
    assert {entry.initiator.value for entry in told} == {"INDIVIDUAL"}


def test_nothing_personal_is_left_behind(at_two_banks: House) -> None:
    house = at_two_banks
    with house.database.write() as session:
        new = NewPasskey(b"id", b"key", 0, may_be_backed_up=False, is_backed_up=False)
        owner = Owner(OwnerKind.USER, house.alice.user_id)
        Passkeys(house.sealer).add(session, owner, new, "Phone", house.watch())
    assert all(kept_of(house))
    close(house)
    assert kept_of(house) == [[], [], [], []]
    with house.database.read() as session:
        assert of_user(session, house.sealer, house.alice.user_id, Page()) == []
        assert house.users.identities(session, house.alice.user_id) == []
        assert [house.users.known_as(session, bank, sub) for bank, sub in zip(BANKS, _SUBJECTS, strict=True)] == [
            None
        ] * 2


_SUBJECTS = ("sub-alice", "sub-alice-there")


def test_who_signs_in_later_is_somebody_new(at_two_banks: House) -> None:
    house, old = at_two_banks, at_two_banks.alice
    close(house)
    new = house.signs_in()
    assert new.user_id != old.user_id
    house.alice = replace(old, user_id=new.user_id)
    again = house.approved()
    with house.database.read() as session:
        assert {entry.grant_id for entry in of_user(session, house.sealer, new.user_id, Page())} == {again}
    house.watch.passes(minutes=11)
    run_once(services_of(house))
    with house.database.read() as session:
        assert house.users.known_as(session, "harbor", "sub-alice") == new.user_id


def test_what_ends_besides_ends_with_it_or_not_at_all(at_two_banks: House) -> None:
    house = at_two_banks
    grant_id = next(iter(grants_of(house)))
    facts: dict[str, Any] = {"jkt": "k", "categories": ["balances"], "now": house.watch()}
    with house.database.write() as session:
        expires_at = house.watch() + timedelta(days=1)
        issued = issue_access(session, grant_id=grant_id, platform_id="m", grant_expires_at=expires_at, **facts)
    secret, _ = issued

    def ends_tokens(session: Session, grants: Sequence[str]) -> None:
        for one in grants:
            end_all_of_grant(session, one, house.watch())

    def fails(session: Session, grants: Sequence[str]) -> None:
        ends_tokens(session, grants)
        raise BankUnavailable

    before = (grants_of(house), kept_of(house), len(house.log()))
    with pytest.raises(BankUnavailable):
        close(house, fails)
    assert (grants_of(house), kept_of(house), len(house.log())) == before
    close(house, ends_tokens)
    with house.database.read() as session:
        found = find_token(session, secret)
        assert found is not None
        assert not found.is_live(house.watch())


@pytest.mark.parametrize("event", ["grant.revoked", "grant.refused", "details.erased"])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(at_two_banks: House, event: str) -> None:
    house = at_two_banks
    before = (grants_of(house), kept_of(house), len(house.log()))
    house.breaks_log_at(event)
    with pytest.raises(LogUnavailable):
        close(house)
    house.mends_log()
    assert (grants_of(house), kept_of(house), len(house.log())) == before
    assert house.signs_in().user_id == house.alice.user_id
    close(house)


def test_nothing_is_released_after_it_not_even_of_a_read_that_had_begun(at_two_banks: House) -> None:
    house = at_two_banks
    grant_id = next(row[0] for row in house.store.rows("SELECT id FROM grants WHERE bank_id = 'harbor' ORDER BY id"))
    house.bank.meanwhile = lambda _access: close(house)
    with pytest.raises(BrokerError):
        house.release.read(call_of(str(grant_id)), Wanted("balances"), as_text)
    events = [entry.event.value for entry in house.log() if entry.bank_id == "harbor"]
    assert "access.released" not in events
    assert events[-1] == "access.refused"
    house.bank.meanwhile = lambda _access: None
    with pytest.raises(TokenRefused) as refused:
        house.release.read(call_of(str(grant_id)), Wanted("balances"), as_text)
    assert refused.value.code == "grant-revoked"


def test_it_waits_for_what_is_being_handed_over_and_ends_nothing_before(at_two_banks: House) -> None:
    house = at_two_banks
    grant_id = str(next(row[0] for row in house.store.rows("SELECT id FROM grants WHERE status = 'ACTIVE'")))
    impatient = Fences(house.database, wait_s=0.2)
    house.in_the_end.callback(impatient.close)
    hasty = Closing(house.sequencer, impatient, house.users, Passkeys(house.sealer), house.watch)
    with house.fences.shared(grant_id), pytest.raises(StorageUnavailable):
        hasty.close(house.alice, nothing)
    assert house.grant(grant_id).status.value == "ACTIVE"


def test_a_grant_that_comes_while_it_takes_the_fences_ends_with_the_others(at_two_banks: House) -> None:
    house, late = at_two_banks, list[str]()

    class Slow(Fences):
        """Fences before which somebody allows one thing more."""

        def exclusive(self, grant_ids: Collection[str]) -> AbstractContextManager[None]:
            if not late:
                late.append(house.approved())
            return super().exclusive(grant_ids)

    slow = Slow(house.database)
    house.in_the_end.callback(slow.close)
    Closing(house.sequencer, slow, house.users, Passkeys(house.sealer), house.watch).close(house.alice, nothing)
    assert house.grant(late[0]).status_code == "user-left"


def test_a_second_closing_finds_nothing_to_close(at_two_banks: House) -> None:
    close(at_two_banks)
    number = len(at_two_banks.log())
    with pytest.raises(ConsentRefused) as refused:
        close(at_two_banks)
    assert refused.value.code == "user-left"
    assert len(at_two_banks.log()) == number


def test_of_two_tabs_one_closes_it(at_two_banks: House) -> None:
    told: list[str] = []

    def tab() -> None:
        try:
            close(at_two_banks)
        except ConsentRefused as error:
            told.append(error.code)

    tabs = [Thread(target=tab) for _ in range(2)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert told == ["user-left"]
    assert at_two_banks.events().count("grant.revoked") == 3


def test_what_waits_for_an_answer_cannot_be_allowed_any_more_nor_asked_anew(at_two_banks: House) -> None:
    house = at_two_banks
    waiting = house.proposed()
    close(house)
    choice = Choice(("balances",), ("acc-1",))
    with pytest.raises(ConsentRefused) as refused:
        house.consents.approve(house.alice, waiting, ASKER, choice, OFFERED)
    assert refused.value.code == "consent-decided"
    with pytest.raises(ConsentRefused):
        house.proposed()


def test_a_linking_under_way_links_nobody_to_a_closed_account(at_two_banks: House) -> None:
    house = at_two_banks
    close(house)
    new = house.signs_in("sub-new", "meridian")
    with pytest.raises(ConsentRefused) as refused:
        Linking(house.sequencer, house.fences, house.watch).link(house.alice, "meridian", new.user_id)
    assert refused.value.code == "user-left"


def test_the_bank_is_told_then_what_was_kept_for_it_goes(at_two_banks: House) -> None:
    house, services = at_two_banks, services_of(at_two_banks)
    close(house)
    run_once(services)
    assert house.bank.ended == [CREDENTIAL]
    assert house.banks["meridian"].ended == [CREDENTIAL]
    assert identities(house)
    house.watch.passes(minutes=11)
    run_once(services)
    assert not identities(house)
    assert house.bank.ended == [CREDENTIAL]


def test_what_a_call_under_way_wrote_is_erased_too(at_two_banks: House) -> None:
    house, services = at_two_banks, services_of(at_two_banks)
    grant_id = str(
        next(row[0] for row in house.store.rows("SELECT id FROM grants WHERE bank_id = 'harbor' ORDER BY id"))
    )
    house.bank.meanwhile = lambda _access: close(house)
    with suppress(BrokerError):
        house.release.read(call_of(grant_id), Wanted("balances"), as_text)
    assert kept_of(house)[1]
    house.watch.passes(minutes=11)
    house.bank.meanwhile = lambda _access: None
    run_once(services)
    assert kept_of(house) == [[], [], [], []]


@pytest.mark.any_database
def test_a_bank_that_never_answers_does_not_keep_it_for_ever(at_two_banks: House) -> None:
    house, services = at_two_banks, services_of(at_two_banks)
    house.bank.error = BankUnavailable()
    close(house)
    _waits_for_days(house, services)
    assert not identities(house)
    assert house.banks["meridian"].ended == [CREDENTIAL]


def _waits_for_days(house: House, services: Services) -> None:
    for _ in range(100):
        house.watch.passes(hours=1)
        run_once(services)


def identities(house: House) -> list[str]:
    return [str(row[0]) for row in house.store.rows("SELECT id FROM user_identities")]
