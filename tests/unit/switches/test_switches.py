"""What is turned off leaves no more, from the very next entry of the log on, whoever turned it off and however wide."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from broker.audit import reader
from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import (
    ConsentRefused,
    InvalidRequest,
    LogUnavailable,
    NotFound,
    NotPermitted,
    PolicyRefused,
    ReleaseRefused,
)
from broker.grants.consents import Answer
from broker.grants.reader import live_between
from broker.grants.service import Part
from broker.policy.contexts import Off
from broker.policy.terms import Choice
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.release import OwnAccounts, Wanted
from broker.switches.condition import StaysOn
from broker.switches.reader import all_switches, listed
from broker.switches.service import LONGEST_REASON, Hand, Switches
from broker.switches.views import Side, Target
from tests.support.core import ASKED, ASKER, OFFERED, House, account, as_text, call_of

OPERATOR = Hand(Side.OPERATOR, "operator")
STAFF = Hand(Side.BANK, "Ada Canary", "harbor", "22222222-2222-4222-8222-222222222222")
WHY = "An incident is being looked into."
EVERYTHING, AT_HARBOR, MESSENGER = Target(), Target("harbor"), Target(platform_id="messenger")
BALANCES = Target(category="balances")
TARGETS = {
    "everything": (EVERYTHING, "grant-suspended"),
    "the bank": (AT_HARBOR, "grant-suspended"),
    "the platform": (MESSENGER, "grant-suspended"),
    "the platform at the bank": (Target("harbor", "messenger"), "grant-suspended"),
    "the category": (BALANCES, "category-off"),
    "the category at the bank": (Target("harbor", category="balances"), "category-off"),
    "the category of the platform": (Target("", "messenger", "balances"), "category-off"),
    "all three": (Target("harbor", "messenger", "balances"), "category-off"),
}
OTHERS = (
    Target("meridian"),
    Target(platform_id="ledgerly"),
    Target(category="accounts"),
    Target("meridian", "messenger"),
)
each_target = pytest.mark.parametrize(("target", "code"), TARGETS.values(), ids=TARGETS)
WANTED = Wanted("balances")


def reads(house: House, grant_id: str, category: str = "balances") -> None:
    with house.release.read(call_of(grant_id), Wanted(category), as_text).held:
        pass  # handed over


def at_harbor(house: House) -> list[LoggedEntry]:
    """Return the log of the bank, in its order; a switch may stand in others too."""
    return sorted((entry for entry in house.log() if entry.bank_id == "harbor"), key=lambda entry: entry.number)


def stated(house: House, event: str) -> list[dict[str, object]]:
    rows = house.store.rows(f"SELECT leaf FROM audit_entries WHERE event = '{event}' ORDER BY log, number")  # noqa: S608 - ours
    return [json.loads(bytes(leaf)) for (leaf,) in rows]


@each_target
def test_what_is_off_is_refused_at_the_next_call_before_the_bank_is_asked_and_goes_on_when_it_is_on_again(
    house: House, switches: Switches, target: Target, code: str
) -> None:
    grant_id = house.approved()
    reads(house, grant_id)
    asked = len(house.bank.asked)
    switches.turn_off(OPERATOR, target, WHY)
    with pytest.raises(ReleaseRefused, match=code) as refused:
        reads(house, grant_id)
    assert refused.value.detail.endswith("is switched off for now.")  # the words of the rule: the policies judged it
    assert len(house.bank.asked) == asked
    assert at_harbor(house)[-1].event is Event.ACCESS_REFUSED
    assert at_harbor(house)[-1].reasons[0] == code
    switches.turn_on(OPERATOR, target, WHY)
    reads(house, grant_id)
    assert at_harbor(house)[-1].event == "access.released"


def test_what_is_not_concerned_is_served_all_the_while(house: House, switches: Switches) -> None:
    with house.database.write() as session:
        from tests.support.core import registered  # noqa: PLC0415 - another platform of this test alone

        session.add(registered("ledgerly"))
    grant_id = house.approved()
    for target in OTHERS:
        switches.turn_off(OPERATOR, target, WHY)
    reads(house, grant_id)
    grant = house.grant(grant_id)
    assert (grant.status, grant.category("balances").state) == (GrantStatus.ACTIVE, ClusterState.ACTIVE)  # type: ignore[union-attr] # it was approved


@each_target
def test_what_is_turned_off_while_the_bank_answers_does_not_leave(
    house: House, switches: Switches, target: Target, code: str
) -> None:
    grant_id = house.approved()
    house.bank.meanwhile = lambda _: switches.turn_off(OPERATOR, target, WHY)  # type: ignore[func-returns-value] # unused
    with pytest.raises(ReleaseRefused, match=code):
        reads(house, grant_id)
    last = at_harbor(house)[-1]
    assert (last.event, last.reasons[0], last.records) == (Event.ACCESS_REFUSED, code, None)
    assert house.grant(grant_id).use_count == 0


@each_target
@pytest.mark.parametrize("event", [Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED])
def test_no_entry_of_an_access_stands_behind_a_switch_whatever_was_judged_before(
    house: House, switches: Switches, target: Target, code: str, event: Event
) -> None:
    entry = Entry(event, Initiator.DATA_RECIPIENT, "harbor", category="balances", records=1)
    wish = StaysOn("harbor", "messenger", "balances")
    assert house.sequencer.append(entry, [wish]).lost is None
    switches.turn_off(OPERATOR, target, WHY)
    loss = house.sequencer.append(entry, [wish]).lost
    assert (loss and (loss.code, loss.rule)) == (code, "release.switches")
    assert at_harbor(house)[-1].event == "access.refused"
    assert at_harbor(house)[-1].reasons == (code,)


def test_many_threads_read_while_it_is_turned_off_and_nothing_is_released_behind_the_switch(
    house: House, switches: Switches
) -> None:
    grants = [house.approved() for _ in range(4)]

    def reading(grant_id: str) -> None:
        for _ in range(6):
            try:
                reads(house, grant_id)
            except ReleaseRefused:
                return

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(reading, grant_id) for grant_id in grants]
        switches.turn_off(STAFF, AT_HARBOR, WHY)
        for one in running:
            one.result()
    events = [entry.event for entry in at_harbor(house)]
    assert Event.ACCESS_RELEASED not in events[events.index(Event.SWITCH_OFF) :]


@each_target
def test_requests_and_approvals_are_refused_likewise_and_leave_no_grant(
    house: House, switches: Switches, target: Target, code: str
) -> None:
    proposal = house.proposed()
    switches.turn_off(OPERATOR, target, WHY)
    with pytest.raises(PolicyRefused, match=code):
        house.proposed()
    with pytest.raises(PolicyRefused, match=code):
        house.consents.approve(house.alice, proposal, ASKER, Choice(("balances",), ("acc-1",)), OFFERED)
    assert house.grant(proposal).status is GrantStatus.REJECTED
    assert [entry.event for entry in at_harbor(house)][-2:] == [Event.GRANT_REJECTED] * 2


def test_a_choice_without_what_is_off_can_be_approved(house: House, switches: Switches) -> None:
    proposal = house.proposed()
    switches.turn_off(OPERATOR, BALANCES, WHY)
    house.consents.approve(house.alice, proposal, ASKER, Choice(("accounts",), ("acc-1",)), OFFERED)
    assert house.grant(proposal).status is GrantStatus.ACTIVE


def test_accounts_are_not_listed_for_a_request_that_nobody_may_agree_to(house: House, switches: Switches) -> None:
    house.bank.own_accounts = [account("ref-1")]
    proposal = house.grant(house.proposed())
    switches.turn_off(STAFF, AT_HARBOR, WHY)
    for seen in (house.grant(proposal.id), proposal):  # before it was off too: then the log decides
        with pytest.raises(PolicyRefused, match="grant-suspended"):
            OwnAccounts(house.release).of(house.alice, seen)
    assert house.bank.asked == []


@pytest.mark.parametrize(
    ("target", "status", "state", "off"),
    [
        (EVERYTHING, GrantStatus.SUSPENDED, ClusterState.ACTIVE, Off.EVERYTHING),
        (Target("harbor", "messenger"), GrantStatus.SUSPENDED, ClusterState.ACTIVE, Off.PLATFORM),
        (BALANCES, GrantStatus.ACTIVE, ClusterState.SUSPENDED, Off.CATEGORY),
    ],
)
def test_suspended_is_derived_and_ends_with_the_switch(
    house: House, switches: Switches, target: Target, status: GrantStatus, state: ClusterState, off: Off
) -> None:
    grant_id = house.approved(["accounts", "balances"])
    before = house.grant(grant_id)
    house.watch.passes(hours=1)
    switches.turn_off(OPERATOR, target, WHY)
    seen = house.grant(grant_id)
    balances = seen.category("balances")
    assert balances is not None
    assert (seen.status, balances.state, [one.target.kind for one in seen.switches]) == (status, state, [off])
    assert seen.live_categories == (("accounts",) if off is Off.CATEGORY else ())
    if status is GrantStatus.SUSPENDED:
        assert (seen.status_code, seen.status_at) == ("suspended-by-operator", house.watch())
    with house.database.read() as session:
        found = house.reader.of_user(session, house.alice.user_id, house.watch())
        assert found == [seen]
        assert house.reader.statuses(session, [grant_id], house.watch()) == {grant_id: status}
    switches.turn_on(OPERATOR, target, WHY)
    assert house.grant(grant_id) == before


def test_a_person_can_still_pause_resume_and_end_what_is_suspended(house: House, switches: Switches) -> None:
    grant_id = house.approved()
    switches.turn_off(OPERATOR, EVERYTHING, WHY)
    house.grants.pause(house.alice, grant_id, Part())
    assert house.grant(grant_id).status is GrantStatus.PAUSED  # their own decision is what they see, and can take back
    house.grants.resume(house.alice, grant_id, Part())
    assert house.grant(grant_id).status is GrantStatus.SUSPENDED
    house.grants.pause(house.alice, grant_id, Part(category="balances"))
    house.grants.revoke(house.alice, grant_id, Part())
    assert house.grant(grant_id).status is GrantStatus.REVOKED


def test_each_side_turns_on_only_what_it_has_turned_off(house: House, switches: Switches) -> None:
    grant_id = house.approved()
    switches.turn_off(OPERATOR, AT_HARBOR, WHY)
    switches.turn_off(STAFF, AT_HARBOR, WHY)
    switches.turn_on(STAFF, AT_HARBOR, WHY)
    with pytest.raises(ConsentRefused, match="switch-unchanged"):
        switches.turn_on(STAFF, AT_HARBOR, WHY)
    assert house.grant(grant_id).status_code == "suspended-by-operator"
    switches.turn_on(OPERATOR, AT_HARBOR, WHY)
    assert house.grant(grant_id).status is GrantStatus.ACTIVE


@pytest.mark.parametrize(
    "target", [EVERYTHING, Target("meridian"), BALANCES, MESSENGER, Target("", "messenger", "balances")]
)
def test_a_banks_hand_reaches_nothing_but_its_own_bank(house: House, switches: Switches, target: Target) -> None:
    for flip in (switches.turn_off, switches.turn_on):
        with pytest.raises(NotPermitted):
            flip(STAFF, target, WHY)
        with pytest.raises(NotPermitted):
            flip(replace(STAFF, bank_id=""), target, WHY)
    assert house.log() == []


@pytest.mark.parametrize(
    "target", [Target("no-bank"), Target(platform_id="nobody"), Target("harbor", category="Balances")]
)
def test_what_does_not_exist_cannot_be_turned_off(house: House, switches: Switches, target: Target) -> None:
    with pytest.raises((NotFound, LogUnavailable)):
        switches.turn_off(OPERATOR, target, WHY)
    with house.database.read() as session:
        assert all_switches(session) == ()


@pytest.mark.parametrize("reason", ["", " \n\t ", "x" * (LONGEST_REASON + 1), "hidden\u202ewords", "nul\x00"])
def test_a_switch_needs_a_reason_that_people_can_read(house: House, switches: Switches, reason: str) -> None:
    with pytest.raises(InvalidRequest):
        switches.turn_off(OPERATOR, EVERYTHING, reason)
    assert house.log() == []


def test_off_twice_is_refused_and_written_once(house: House, switches: Switches) -> None:
    switches.turn_off(STAFF, AT_HARBOR, WHY)
    with pytest.raises(ConsentRefused, match="switch-unchanged"):
        switches.turn_off(STAFF, AT_HARBOR, "Another reason.")
    assert house.events() == ["switch.off"]


def test_a_banks_switch_stands_in_its_log_alone_and_one_of_no_bank_in_every_log(
    house: House, switches: Switches
) -> None:
    switches.turn_off(STAFF, Target("harbor", "messenger", "balances"), WHY)
    switches.turn_off(OPERATOR, EVERYTHING, WHY)
    told = [(leaf["log"], leaf["initiator"], leaf["reach"]) for leaf in stated(house, "switch.off")]
    operators = ("DATA_ACCESS_PLATFORM", "all-banks")
    assert told == [
        ("broker.example/audit/harbor/2026", "DATA_PROVIDER", "bank"),
        ("broker.example/audit/harbor/2026", *operators),
        ("broker.example/audit/meridian/2026", *operators),
        ("broker.example/audit/operator/2026", *operators),
    ]
    own = stated(house, "switch.off")[0]
    assert (own["platform"], own["category"], own["interactionId"]) == ("messenger", "balances", STAFF.interaction_id)


def test_the_longest_reason_fits_and_neither_it_nor_a_name_stands_openly(house: House, switches: Switches) -> None:
    reason = "\N{ZANABAZAR SQUARE LETTER A}" * LONGEST_REASON
    switches.turn_off(STAFF, Target("harbor", "messenger", "card_locations"), reason)
    with house.database.read() as session:
        (entry,) = reader.switches_at(session, house.sealer, "harbor", 9)
        (one,) = listed(session, house.sealer, "harbor")
    assert dict(entry.details) == {"reason": reason, "by": "Ada Canary"}
    assert (one.by, one.switch.reason) == ("Ada Canary", reason)
    assert b"Canary" not in house.stored_bytes()


def test_neither_row_nor_entry_is_there_when_the_log_cannot_be_written(house: House, switches: Switches) -> None:
    grant_id = house.approved()
    house.breaks_log_at("switch.off")
    with pytest.raises(LogUnavailable):
        switches.turn_off(OPERATOR, EVERYTHING, WHY)
    assert house.grant(grant_id).status is GrantStatus.ACTIVE
    assert "switch.off" not in house.durable_events()


def test_the_history_of_a_person_has_the_switches_of_their_banks_with_the_reason_and_without_a_name(
    house: House, switches: Switches
) -> None:
    house.approved()
    switches.turn_off(Hand(Side.BANK, "Ada Canary", "meridian"), Target("meridian"), WHY)
    switches.turn_off(STAFF, AT_HARBOR, WHY)
    with house.database.read() as session:
        found = reader.of_user(session, house.sealer, house.alice.user_id, reader.Page(), banks=["harbor"])
        first = reader.of_user(session, house.sealer, house.alice.user_id, reader.Page(1), banks=["harbor"])
    assert [entry.event.value for entry in found] == ["switch.off", "grant.approved", "grant.proposed"]
    assert (found[0].details, first) == ({"reason": WHY}, found[:1])


def test_the_grants_that_a_switch_is_about_are_counted(house: House, switches: Switches) -> None:
    assert switches
    house.approved(["accounts"])
    house.grants.pause(house.alice, house.approved(), Part())
    house.approved(terms=replace(ASKED, categories=ASKED.categories[:2]), categories=["balances"], bank="meridian")
    house.consents.propose(house.alice, ASKER, ASKED, "harbor", Answer("k", "/a", "https://m.example"))
    targets = [
        EVERYTHING,
        AT_HARBOR,
        MESSENGER,
        BALANCES,
        Target("harbor", category="balances"),
        Target(platform_id="x"),
    ]
    with house.database.read() as session:
        assert [live_between(session, target, house.watch()) for target in targets] == [2, 1, 2, 1, 0, 0]


@each_target
@pytest.mark.parametrize(("look", "event"), [(2, "access.requested"), (4, "access.released")])
def test_a_switch_between_the_last_look_and_the_entry_stops_the_entry(
    house: House, switches: Switches, target: Target, code: str, look: int, event: str
) -> None:
    """The clock is asked after each look at the grant and before its entry: there the switch is flipped."""
    grant_id = house.approved()
    asked = iter(range(1, 100))

    def clock() -> datetime:
        if next(asked) == look:
            switches.turn_off(OPERATOR, target, WHY)
        return house.watch()

    with pytest.raises(ReleaseRefused, match=code):
        replace(house.release, clock=clock).read(call_of(grant_id), WANTED, as_text)
    last = at_harbor(house)[-1]
    assert (last.event, last.reasons) == (Event.ACCESS_REFUSED, (code,))
    assert event not in [entry.event for entry in at_harbor(house)]
