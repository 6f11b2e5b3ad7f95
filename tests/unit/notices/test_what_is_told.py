"""A notice stands with its cause or not at all, on the ways that the person wants, and is forgotten with the person."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select

from broker.cli.worker import run_once
from broker.errors import FrequencyExceeded, LogUnavailable
from broker.grants.acts import Actor, PlatformActor
from broker.grants.erasure import Erasure
from broker.grants.linking import Linking
from broker.grants.service import Part
from broker.harvest.holds import lift, place
from broker.harvest.tallies import Reading
from broker.notices import spreads
from broker.notices.choices import choose, wanted
from broker.notices.inbox import forget_old_notices, mark_read, unread
from broker.notices.models import ChoiceRow, MailRow, NoticeRow, RecipientRow, SpreadRow
from broker.notices.spreads import Reach
from broker.notices.vocabulary import Topic, Way, What
from broker.policy.harvest import Budget, Counter, Room, Span
from broker.release import Wanted
from broker.switches.service import Hand, Switches
from broker.switches.views import Side, Target
from tests.support.core import ASKED, account, as_text, call_of
from tests.support.edge import services_of
from tests.support.notified import People


def wants(people: People, *chosen: tuple[Topic, Way]) -> None:
    with people.house.database.write() as session:
        choose(session, people.house.alice.user_id, set(chosen))


def test_each_act_on_a_permission_is_told_with_who_did_it(people: People) -> None:
    house = people.house
    first, second = house.approved(("balances",)), house.approved(("balances",))
    house.grants.pause(house.alice, first, Part())
    house.grants.resume(house.alice, first, Part())
    house.grants.pause(house.alice, first, Part(account_id="acc-1"))
    house.grants.revoke(house.alice, first, Part())
    house.grants.give_back(PlatformActor("messenger", "1"), second)
    assert sorted(people.told()) == sorted(
        ["given", "given", "paused", "resumed", "part-changed", "stopped", "given-back"]
    )


def test_what_the_operator_ends_says_so(people: People) -> None:
    grant_id = people.house.approved(("balances",))
    people.house.grants.give_back(PlatformActor("messenger", "1"), grant_id, reason="platform-removed")
    assert "ended-for-you" in people.told()
    assert "We ended your permission for Messenger" in [one.title for one in people.reads()]


def test_exact_places_are_told_apart(people: People) -> None:
    people.house.approved(("balances",))
    assert people.told() == ["given"]
    people.house.approved(("balances", "card_locations"))
    assert sorted(people.told()) == ["exact-places", "given", "given"]


def test_what_nobody_agreed_to_is_not_told(people: People) -> None:
    people.house.proposed()
    people.house.consents.refuse(people.house.alice, people.house.proposed())
    people.house.watch.passes(hours=2)
    run_once(services_of(people.house))
    assert people.told() == []


def test_what_is_rolled_back_is_not_told_and_what_is_told_was_done(people: People) -> None:
    grant_id = people.house.approved(("balances",))
    people.has_address()
    people.house.breaks_log_at("grant.revoked")
    with pytest.raises(LogUnavailable):
        people.house.grants.revoke(people.house.alice, grant_id, Part())
    people.house.mends_log()
    assert (people.told(), people.mailing().send_due()) == ([], 0)


def test_who_wants_nothing_is_told_of_nothing_but_what_shows_a_stranger(people: People) -> None:
    people.has_address()
    wants(people)
    grant_id = people.house.approved(("balances",))
    people.house.grants.revoke(people.house.alice, grant_id, Part())
    assert people.told() == ["given"]
    assert people.mailing().send_due() == 0


def test_each_way_is_chosen_for_itself(people: People) -> None:
    people.has_address()
    wants(people, (Topic.ENDED, Way.MAIL), (Topic.CHANGED, Way.INBOX))
    grant_id = people.house.approved(("balances",))
    people.house.grants.pause(people.house.alice, grant_id, Part())
    people.house.grants.revoke(people.house.alice, grant_id, Part())
    people.mailing().send_due()
    assert sorted(people.told()) == ["given", "paused"]
    assert people.mails.subjects() == ["You stopped Messenger"]


def test_at_first_all_is_on_but_mails_about_ones_own_changes(people: People) -> None:
    with people.house.database.read() as session:
        at_first = wanted(session, people.house.alice.user_id)
    assert {(topic, way) for topic in Topic for way in Way} - at_first == {(Topic.CHANGED, Way.MAIL)}


def test_a_switch_is_told_to_whom_it_stops_and_to_nobody_else(people: People) -> None:
    house = people.house
    bob = Actor(house.signs_in("sub-bob", "meridian").user_id, "2")
    switches = Switches(house.sequencer, house.catalogue, house.sealer, house.watch)
    hand, target = Hand(Side.BANK, "Ada", "harbor"), Target("harbor", "messenger")
    house.approved(("balances",))
    paused = house.approved(("balances",))
    house.grants.pause(house.alice, paused, Part())
    house.approved(("balances",), bank="meridian", actor=bob)
    house.watch.passes(seconds=1)
    switches.turn_off(hand, target, "We look into it.")
    assert "switched-off" not in people.told()
    run_once(services_of(house))
    run_once(services_of(house))
    assert people.told().count("switched-off") == 1
    assert "Harbor Bank has switched it off" in people.reads()[0].text
    assert people.told(bob.user_id) == ["given"]
    house.watch.passes(seconds=1)
    switches.turn_on(hand, target, "All is well.")
    run_once(services_of(house))
    assert people.told()[0] == "switched-on"


def test_a_switch_that_many_share_is_told_to_each_once(people: People) -> None:
    house = people.house
    users = [house.signs_in(f"sub-{number}").user_id for number in range(3)]
    for user_id in users:
        house.approved(("balances",), actor=Actor(user_id, "3"), is_claimed=False)
    Switches(house.sequencer, house.catalogue, house.sealer, house.watch).turn_off(
        Hand(Side.OPERATOR, "Op"), Target(category="balances"), "We look into it."
    )
    run_once(services_of(house))
    assert [people.told(user_id).count("switched-off") for user_id in users] == [1, 1, 1]


@pytest.mark.any_database
def test_what_follows_an_act_is_not_told_of_while_somebody_tells_of_the_act(people: People) -> None:
    house, told = people.house, list[What]()
    with house.database.write() as session:
        for what in (What.SWITCHED_OFF, What.SWITCHED_ON):
            spreads.ask(session, what, Reach("harbor"), house.watch())
            house.watch.passes(seconds=1)

    def tells() -> None:
        with house.database.write() as session:
            found = spreads.first(session)
            assert found is not None
            told.append(found.what)

    with house.database.write() as session:
        found = spreads.first(session)
        assert found is not None
        other = Thread(target=tells)
        other.start()
        other.join(0.3)
        assert told == []
        spreads.go_on(session, found, None)
    other.join()
    assert told == [What.SWITCHED_ON]


def test_a_round_tells_so_many_and_leaves_the_rest_to_the_next(people: People) -> None:
    house = people.house
    with house.database.write() as session:
        for _ in range(2):
            spreads.ask(session, What.SWITCHED_OFF, Reach("harbor"), house.watch())
    for left in (1, 0):
        run_once(services_of(house), most=1)
        with house.database.read() as session:
            assert len(session.scalars(select(SpreadRow)).all()) == left


def test_a_hold_on_an_app_and_its_end_are_told(people: People) -> None:
    house = people.house
    house.approved(("balances",))
    house.watch.passes(seconds=1)
    reading = Reading("messenger", "balances", "harbor", house.alice.user_id, house.watch(), house.watch())
    place(house.sequencer, Room(Budget(Counter.AFTER_A_MONTH, Span.DAY, 15, 60), 15, 15), reading)
    run_once(services_of(house))
    assert people.told()[0] == "app-held"
    house.watch.passes(seconds=1)
    lift(house.sequencer, "messenger", "balances", "It was a test.", house.watch())
    run_once(services_of(house))
    assert people.told()[0] == "app-freed"


def test_a_call_after_a_long_silence_is_told_once(people: People) -> None:
    house = people.house
    house.bank.own_accounts = [account("ref-1")]
    grant_id = house.approved(("accounts",), terms=replace(ASKED, duration_days=365))

    def reads() -> None:
        house.release.read(call_of(grant_id, "accounts"), Wanted("accounts"), as_text).held.drop()

    reads()
    house.watch.passes(days=89)
    reads()
    assert "after-silence" not in people.told()
    house.watch.passes(days=90)
    reads()
    reads()
    assert people.told().count("after-silence") == 1


def test_an_app_that_asks_too_often_is_told_of_once_a_week(people: People) -> None:
    house = people.house
    grant_id = house.approved(("accounts",), terms=replace(ASKED, frequency_per_day=1))
    call = call_of(grant_id, "accounts", is_attended=False)

    def is_refused(times: int) -> None:
        house.release.read(call, Wanted("accounts"), as_text).held.drop()
        for _ in range(times):
            with pytest.raises(FrequencyExceeded):
                house.release.read(call, Wanted("accounts"), as_text)

    is_refused(3)
    assert people.told().count("too-often") == 1
    house.watch.passes(days=8)
    is_refused(2)
    assert people.told().count("too-often") == 2


def test_what_is_read_is_read_and_nobody_elses(people: People) -> None:
    house = people.house
    house.approved(("balances",))
    mine = people.inbox()[0]
    with house.database.write() as session:
        mark_read(session, "somebody-else", house.watch(), mine.id)
        assert unread(session, house.alice.user_id) == 1
        mark_read(session, house.alice.user_id, house.watch(), mine.id)
        assert unread(session, house.alice.user_id) == 0


def test_the_inbox_and_the_address_are_erased_with_the_details(people: People) -> None:
    house = people.house
    people.has_address()
    house.approved(("balances",))
    Erasure(house.sequencer, house.fences, house.watch).erase(house.alice.user_id, "harbor")
    with house.database.read() as session:
        assert people.addresses.of(session, house.alice.user_id, house.watch()).address is None
    assert (people.told(), people.mailing().send_due()) == ([], 0)
    with house.database.read() as session:
        for row in (NoticeRow, MailRow, RecipientRow, ChoiceRow):
            assert session.scalars(select(row.user_id)).all() == []


def test_erasure_at_one_bank_keeps_what_was_told_of_the_other(people: People) -> None:
    house = people.house
    bob = house.signs_in("sub-bob", "meridian").user_id
    Linking(house.sequencer, house.fences, house.watch).link(house.alice, "meridian", bob)
    people.has_address()
    house.approved(("balances",))
    house.approved(("balances",), bank="meridian")
    Erasure(house.sequencer, house.fences, house.watch).erase(house.alice.user_id, "harbor")
    assert [one.notice.bank_id for one in people.inbox()] == ["meridian"]
    with house.database.read() as session:
        assert people.addresses.of(session, house.alice.user_id, house.watch()).address == "alice@mail.example"


def test_what_was_told_of_a_bank_moves_along_with_its_customer(people: People) -> None:
    house = people.house
    bob = Actor(house.signs_in("sub-bob", "meridian").user_id, "2")
    house.approved(("balances",), bank="meridian", actor=bob)
    linking = Linking(house.sequencer, house.fences, house.watch)
    linking.link(house.alice, "meridian", bob.user_id)
    assert (sorted(people.told()), people.told(bob.user_id)) == (["bank-linked", "given"], [])
    house.watch.passes(seconds=1)
    linking.unlink(house.alice, "meridian")
    assert people.told() == ["bank-unlinked"]


def test_an_old_notice_is_forgotten(people: People) -> None:
    people.house.approved(("balances",))
    with people.house.database.write() as session:
        forget_old_notices(session, people.house.watch() + timedelta(days=399))
    assert people.told() == ["given"]
    with people.house.database.write() as session:
        forget_old_notices(session, people.house.watch() + timedelta(days=401))
    assert people.told() == []
