from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.sandbox.people.card_days import card_entries, town_of
from broker.sandbox.people.days import card_spending, day_entries, opening_balance
from broker.sandbox.people.entry import Channel, EntryKind
from broker.sandbox.people.merchants import merchants
from broker.sandbox.people.persona import AccountKind
from broker.sandbox.people.roster import co_holders, personas_of
from broker.sandbox.people.towns import towns

EVERYONE = personas_of("harbor") + personas_of("meridian")
# The others are there for what is unusual about them: shared, closed, empty, crowded or hostile accounts.
LIVELY = tuple(who for who in EVERYONE if who.trips)
FIRST = date(2025, 5, 1)
EIGHTEEN_MONTHS = [FIRST + timedelta(days=number) for number in range(550)]


@pytest.fixture(scope="module", params=EVERYONE, ids=lambda persona: persona.username)
def persona(request):
    return request.param


@pytest.fixture(scope="module", params=LIVELY, ids=lambda persona: persona.username)
def lively(request):
    return request.param


@pytest.fixture(scope="module")
def history(persona):
    return [entry for day in EIGHTEEN_MONTHS for entry in day_entries(persona, day)]


@given(who=st.sampled_from(EVERYONE), day=st.dates(date(2024, 1, 1), date(2030, 12, 31)))
@settings(deadline=None, max_examples=60)
def test_a_day_is_the_same_however_often_and_in_whatever_order_it_is_told(who, day):
    first = day_entries(who, day)
    day_entries(who, day + timedelta(days=1))
    assert day_entries(who, day) == first


def test_no_two_entries_share_an_id(history):
    assert len({entry.entry_id for entry in history}) == len(history)


def test_amounts_have_two_decimals_and_are_never_nothing(history):
    assert all(entry.amount == entry.amount.quantize(Decimal("0.01")) and entry.amount for entry in history)


def test_no_account_falls_below_what_it_may(persona, history):
    for plan in persona.accounts:
        balance = lowest = opening_balance(persona, plan, FIRST)
        for entry in history:
            if entry.account == plan.key:
                balance += entry.amount
                lowest = min(lowest, balance)
        assert lowest >= -plan.limit, plan.key
        if plan.kind is AccountKind.CREDIT_CARD:
            assert balance <= 0


def test_a_card_bill_asks_for_last_months_spending_and_both_accounts_agree(persona):
    for bill in persona.bills:
        day = date(2026, 3, bill.day)
        lines = [e for e in day_entries(persona, day) if e.kind in (EntryKind.BILL_PAYMENT, EntryKind.CARD_REPAYMENT)]
        paid = {entry.account: entry.amount for entry in lines if "ayment" in entry.description}
        february = [e for n in range(1, 29) for e in card_entries(persona, date(2026, 2, n)) if e.account == bill.card]
        spent = -sum(entry.amount for entry in february)
        assert paid[bill.card] == spent == card_spending(persona, bill.card, day)
        assert paid[bill.source] == -spent


def test_money_moved_between_own_accounts_neither_appears_nor_vanishes(history):
    assert sum(entry.amount for entry in history if entry.kind is EntryKind.TRANSFER) == 0


def test_every_use_of_a_card_outside_the_web_has_a_place_and_none_on_it(history):
    uses = [entry.card for entry in history if entry.card is not None]
    assert all((use.place is None) == (use.channel is Channel.ONLINE) for use in uses)


def test_a_place_lies_within_two_kilometres_of_its_town(history):
    centres = {town.name: town for town in towns().values()}
    for use in (entry.card for entry in history if entry.card and entry.card.place):
        centre = centres[use.place.town]
        assert abs(float(use.place.lat) - centre.lat) < 0.01
        assert abs(float(use.place.lon) - centre.lon) < 0.01
        assert use.place.post_code in centre.post_codes


def test_merchant_category_codes_are_four_digits_and_keep_a_leading_zero():
    assert all(len(merchant.mcc) == 4 and merchant.mcc.isdigit() for merchant in merchants())
    assert any(merchant.mcc == "0742" for merchant in merchants())


def test_somebody_is_seen_at_the_vet():
    uses = [e for who in EVERYONE for day in EIGHTEEN_MONTHS for e in card_entries(who, day)]
    assert any(entry.card and entry.card.mcc == "0742" for entry in uses)


def test_cards_are_used_in_at_least_two_countries_and_travellers_in_three(lively):
    history = [entry for day in EIGHTEEN_MONTHS for entry in card_entries(lively, day)]
    countries = {entry.card.place.country for entry in history if entry.card and entry.card.place}
    assert len(countries) >= (3 if lively.username in ("elena", "tomas") else 2)


def test_within_any_ninety_days_a_person_is_seen_in_several_towns(lively):
    for start in range(0, 460, 30):
        assert len({town_of(lively, day).key for day in EIGHTEEN_MONTHS[start : start + 90]}) >= 2


def test_a_card_is_used_every_day_with_a_terminal_somewhere(lively):
    for day in EIGHTEEN_MONTHS:
        assert any(entry.card and entry.card.place for entry in card_entries(lively, day)), day


def test_every_habit_finds_a_merchant_at_home(persona):
    home = towns()[persona.home]
    kinds = {merchant.kind for merchant in merchants() if {home.country, "*"} & merchant.countries}
    wanted = {habit.kind for habit in persona.habits} | {item.kind for item in persona.subscriptions}
    assert wanted <= kinds


def test_card_payments_stay_pending_for_one_to_two_days(history):
    for entry in history:
        settling = entry.posted_at - entry.occurred_at
        assert settling == timedelta() if entry.card is None and entry.kind is not EntryKind.FEE else True
        assert timedelta() <= settling < timedelta(days=2)


def test_euro_accounts_are_used_in_the_euro_area_and_nowhere_else():
    for who in (persona for persona in EVERYONE if persona.euro_account):
        spent = [e for day in EIGHTEEN_MONTHS for e in card_entries(who, day) if e.card and e.card.place]
        in_euro = {entry.card.place.country for entry in spent if entry.account == who.euro_account}
        assert in_euro
        assert in_euro <= {"AT", "DE", "ES", "FR", "IE", "IT", "NL", "PT"}


def test_ids_of_people_and_accounts_tell_nothing_about_them():
    ids = [who.subject for who in EVERYONE] + [who.account_id(a.key) for who in EVERYONE for a in who.accounts]
    assert len(set(ids)) == len(ids)
    assert not any(who.username in each for who in EVERYONE for each in ids)


def test_there_are_six_people_at_each_bank_each_with_one_line_on_who_they_are():
    assert [len(personas_of(bank)) for bank in ("harbor", "meridian")] == [6, 6]
    assert len({who.about for who in EVERYONE}) == 12
    assert all("\n" not in who.about and 15 < len(who.about) < 60 and who.about.isprintable() for who in EVERYONE)


def test_every_kind_of_customer_is_there():
    plans = [(who, plan) for who in EVERYONE for plan in who.accounts]
    assert [who.username for who, plan in plans if plan.closed] == ["oscar"]
    assert [who.username for who in EVERYONE if not who.accounts] == ["noah"]
    quiet = [who for who in EVERYONE if who.accounts and not any(day_entries(who, day) for day in EIGHTEEN_MONTHS)]
    assert [who.username for who in quiet] == ["ines"]


def test_a_joint_account_of_two_has_two_holders_and_is_told_as_joint_by_the_one_who_opened_it():
    holders = [(who, shared) for who in EVERYONE for shared in who.shared]
    assert [(who.username, shared.username) for who, shared in holders] == [("amara", "daniel")]
    for who, shared in holders:
        (other,) = co_holders(who)
        assert next(plan for plan in other.accounts if plan.key == shared.key).joint


def test_the_crowded_account_has_fifteen_to_nineteen_thousand_entries_in_any_year():
    trader = next(who for who in EVERYONE if who.username == "nadia")
    counts = [sum(e.account == "business" for e in day_entries(trader, day)) for day in EIGHTEEN_MONTHS]
    for start in range(0, 185, 30):
        assert 15_000 < sum(counts[start : start + 366]) < 19_000


def test_hostile_names_hold_markup_quotes_reversed_and_four_byte_characters_and_are_as_long_as_a_bank_may_send():
    bobby = next(who for who in EVERYONE if who.username == "bobby")
    entries = [entry for day in EIGHTEEN_MONTHS for entry in day_entries(bobby, day)]
    places = {
        "name": [bobby.name],
        "nickname": [plan.nickname for plan in bobby.accounts if plan.nickname],
        "merchant": [entry.card.merchant for entry in entries if entry.card],
        "description": [entry.description for entry in entries],
    }
    for place, texts in places.items():
        together = "".join(texts)
        assert all(len(text) <= 500 for text in texts), place
        assert "<" in together, place
        assert "'" in together or '"' in together, place
        assert any(ord(character) > 0xFFFF for character in together), place
        assert any("\u0590" < character < "\u05ff" or character == "\u202e" for character in together), place
    assert max(len(text) for text in places["nickname"]) > 300
