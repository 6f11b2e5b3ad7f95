"""Minimisation: for any bank record and any term, nothing leaves that the term does not name (invariant 5)."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.policy.minimise import Limits, Record, minimise, postcode_area
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision
from tests.support.core import DATA, NOON, policies

OLDEST = NOON.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
INSTANTS = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 22), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
TEXTS = st.text(max_size=12)
ACCOUNT_IDS = st.sampled_from(["acc-1", "acc-2", "acc-9"])
TERMS = st.builds(
    CategoryTerm,
    st.sampled_from(DATA),
    st.none() | st.sampled_from(Detail),
    st.none() | st.sampled_from(Precision),
)
ADDRESSES = st.fixed_dictionaries(
    {"country": st.sampled_from(["GB", "FR"])},
    optional={name: st.none() | TEXTS for name in ("region", "townName", "postCode", "streetName", "houseNumber")},
)
MORE = st.dictionaries(
    st.sampled_from(["cardNumber", "holder", "iban", "reference", "currentBalance", "lat", "precision"]), TEXTS
)
TRANSACTIONS = st.fixed_dictionaries(
    {
        "accountId": ACCOUNT_IDS,
        "transactionId": TEXTS,
        "type": st.sampled_from(["PAYMENT", "TRANSFER_INCOMING", "TRANSFER_OUTGOING", "FEE", "OTHER"]),
        "description": TEXTS,
        "executionDateTime": INSTANTS,
        "postingDateTime": st.none() | INSTANTS,
        "amount": st.decimals(-100, 100, places=2),
        "merchantName": st.none() | TEXTS,
        "merchantCategoryCode": st.none() | st.sampled_from(["0742", ""]),
    }
)
CARD_USES = st.fixed_dictionaries(
    {"accountId": ACCOUNT_IDS, "cardTransactionId": TEXTS, "occurredOn": INSTANTS, "channel": st.just("in_store")},
    optional={"address": ADDRESSES, "lat": st.decimals(-90, 90, places=4), "lon": st.decimals(-180, 180, places=4)},
)
PLAIN = st.fixed_dictionaries({"accountId": ACCOUNT_IDS, "currency": st.just("GBP"), "asOf": st.none() | INSTANTS})


def limits(term: CategoryTerm, *accounts: str) -> Limits:
    return Limits(policies().categories[term.name], term, frozenset(accounts or ("acc-1", "acc-2")), OLDEST)


@st.composite
def questions(draw: st.DrawFn) -> tuple[CategoryTerm, list[Record]]:
    term = draw(TERMS)
    records = {"transactions": TRANSACTIONS, "card_locations": CARD_USES}.get(term.name, PLAIN)
    return term, draw(st.lists(st.builds(lambda more, record: {**more, **record}, MORE, records), max_size=4))


@given(questions())
def test_only_fields_accounts_and_days_of_the_term_come_out(question: tuple[CategoryTerm, list[Record]]) -> None:
    term, records = question
    allowed = {field.name for field in policies().categories[term.name].fields_in(term)}
    for record in minimise(limits(term), records):
        assert record.keys() <= allowed
        assert record["accountId"] in {"acc-1", "acc-2"}
        assert all(value is not None for value in record.values())
        for name in ("executionDateTime", "occurredOn"):
            at = record.get(name, OLDEST)
            assert (at.date() if isinstance(at, datetime) else at) >= OLDEST.date()


@given(questions())
def test_the_banks_records_are_not_changed(question: tuple[CategoryTerm, list[Record]]) -> None:
    term, records = question
    before = repr(records)
    minimise(limits(term), records)
    assert repr(records) == before


@given(st.lists(TRANSACTIONS, max_size=4))
def test_less_detail_yields_a_part_of_more_detail(records: list[Record]) -> None:
    answers = [minimise(limits(CategoryTerm("transactions", step)), records) for step in (None, *DETAIL_ORDER)]
    for coarser, finer in pairwise(answers):
        assert len(coarser) == len(finer)
        for small, large in zip(coarser, finer, strict=True):
            assert small.items() <= large.items()


@given(st.lists(CARD_USES, max_size=4))
def test_a_coarser_place_can_be_derived_from_a_finer_one(records: list[Record]) -> None:
    answers = [minimise(limits(CategoryTerm("card_locations", None, step)), records) for step in PRECISION_ORDER]
    for number in range(len(PRECISION_ORDER) - 1):
        finer = [_as_bank_record(record) for record in answers[number + 1]]
        derived = minimise(limits(CategoryTerm("card_locations", None, PRECISION_ORDER[number])), finer)
        assert derived == answers[number]


def _as_bank_record(record: Record) -> Record:
    at = record["occurredOn"]
    instant = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    return {**record, "occurredOn": instant}


@given(st.lists(TRANSACTIONS, max_size=4))
def test_no_time_of_day_comes_out_of_transactions(records: list[Record]) -> None:
    for record in minimise(limits(CategoryTerm("transactions", Detail.DETAIL)), records):
        for name in ("executionDateTime", "postingDateTime"):
            assert name not in record or record[name].time() == datetime.min.time()


@given(st.lists(CARD_USES, max_size=4), st.sampled_from([None, *PRECISION_ORDER[:-1]]))
def test_below_exact_only_the_day_and_no_coordinates_come_out(records: list[Record], step: Precision | None) -> None:
    for record in minimise(limits(CategoryTerm("card_locations", None, step)), records):
        assert type(record["occurredOn"]) is date
        assert not record.keys() & {"lat", "lon"}
        assert "streetName" not in record.get("address", {})


PERSON = {
    "accountId": "acc-1",
    "type": "TRANSFER_OUTGOING",
    "description": "Rent to Änne-Marie O'Neill 12345678",
    "executionDateTime": NOON,
    "merchantName": "Änne-Marie O'Neill",
    "merchantCategoryCode": None,
}


def _one(**changes: Any) -> Record:
    return minimise(limits(CategoryTerm("transactions", Detail.DETAIL)), [{**PERSON, **changes}])[0]


@pytest.mark.parametrize("kind", ["TRANSFER_OUTGOING", "TRANSFER_INCOMING"])
@pytest.mark.parametrize("code", [None, "", "0742"])
def test_names_of_people_are_masked_in_transfers(kind: str, code: str | None) -> None:
    record = _one(type=kind, merchantCategoryCode=code)
    assert record["description"] == "R••• t••• Ä•••-M••• •••'N••• 1•••"
    assert "merchantName" not in record


@pytest.mark.parametrize("kind", ["PAYMENT", "DIRECT_DEBIT", "OTHER", "FEE"])
def test_names_are_masked_wherever_no_shop_is_known(kind: str) -> None:
    record = _one(type=kind)
    assert "Neill" not in str(record)
    assert "merchantName" not in record


def test_the_name_of_a_shop_stays() -> None:
    record = _one(type="PAYMENT", merchantCategoryCode="0742")
    assert record["merchantName"] == PERSON["merchantName"]
    assert record["description"] == "Rent to Änne-Marie O'Neill •••"


@given(st.text(st.characters(categories=["L"]), min_size=2, max_size=12))
def test_of_a_masked_word_no_more_than_the_first_letter_comes_out(word: str) -> None:
    assert _one(description=word)["description"] in {f"{word[0]}•••", "•••"}


@pytest.mark.parametrize(
    "name", ["王小明", "김 민준", "A L I C E", "A-L-I-C-E", "e\u0301", "\uff22\uff4f\uff42", "1 2 3", "Ⓐ Ⓑ"]
)
def test_a_name_whose_first_letters_would_tell_all_of_it_is_hidden_whole(name: str) -> None:
    assert set(_one(description=name)["description"]) <= {"•", " ", "-"}


@pytest.mark.parametrize("name", ["Ⓐⓛⓘⓒⓔ", "\U0001f130\U0001f13b", "\U0001f1e6\U0001f1f1"])
def test_letters_in_circles_squares_and_flags_are_letters(name: str) -> None:
    assert _one(description=name)["description"] == f"{name[0]}•••"


@pytest.mark.parametrize("code", ["4829", "6536", "6537", "6538"])
def test_money_sent_to_a_person_by_card_is_masked_like_a_transfer(code: str) -> None:
    record = _one(type="PAYMENT", merchantCategoryCode=code)
    assert "merchantName" not in record
    assert "Marie" not in record["description"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("SHOP 4929 1234 1234 1234 LEEDS", "SHOP ••• LEEDS"),
        ("SHOP 20-41-17 12345678", "SHOP •••"),
        ("GB29NWBK60161331926819", "GB29NWBK•••"),
        ("SHOP 22NOV 14:05:59", "SHOP 22NOV •••"),
        ("SHOP \u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "SHOP •••"),
        ("SHOP 1234567 Unit 12", "SHOP 1234567 Unit 12"),
    ],
)
def test_numbers_of_accounts_and_times_of_day_leave_no_text(written: str, shown: str) -> None:
    record = _one(type="PAYMENT", merchantCategoryCode="0742", description=written, merchantName=written)
    assert (record["description"], record["merchantName"]) == (shown, shown)
    account = {"accountId": "acc-1", "displayName": written, "nickname": written}
    named = minimise(limits(CategoryTerm("accounts")), [account])[0]
    assert (named["displayName"], named["nickname"]) == (shown, shown)


@pytest.mark.parametrize(
    ("town", "shown"), [("Leeds LS1 4AP", "Leeds"), ("Paris 15e", "Paris"), ("LS1", None), ("St. Ives", "St. Ives")]
)
def test_a_town_holds_no_postcode(town: str, shown: str | None) -> None:
    use = {"accountId": "acc-1", "occurredOn": NOON, "address": {"country": "GB", "townName": town, "region": town}}
    for step in (Precision.TOWN, Precision.POSTCODE_AREA):
        record = minimise(limits(CategoryTerm("card_locations", None, step)), [use])[0]
        assert (record["address"].get("townName"), record["address"].get("region")) == (shown, shown)


@pytest.mark.parametrize("name", ["देवेन्द्र", "สมหญิง", "Jose\u0301line"])
def test_a_name_with_combining_marks_is_one_word(name: str) -> None:
    masked = _one(description=name)["description"]
    letters = [letter for letter in re.sub("•", "", masked) if letter.isalpha()]
    assert len(letters) == 1


def test_an_online_purchase_has_no_place_whatever_the_bank_sends() -> None:
    use = {
        "accountId": "acc-1",
        "occurredOn": NOON,
        "channel": "online",
        "address": {"country": "GB", "townName": "Leeds"},
        "lat": Decimal(1),
        "lon": Decimal(2),
    }
    record = minimise(limits(CategoryTerm("card_locations", None, Precision.EXACT)), [use])[0]
    assert not record.keys() & {"address", "lat", "lon"}


@pytest.mark.parametrize(
    ("code", "country", "area"),
    [
        ("LS1 4AP", "GB", "LS1"),
        (" SW1A 1AA ", "GB", "SW1A"),
        ("M1 1AE", "GB", "M1"),
        ("M11AE", "GB", "M1"),
        ("LS14AP", "GB", "LS1"),
        ("SW1A1AA", "GB", "SW1A"),
        ("LS14AP UK", "GB", "LS14"),
        ("IM991AA", "IM", "IM99"),
        ("1AE", "GB", ""),
        ("75008", "FR", "750"),
        ("75008 CEDEX", "FR", "750"),
        ("75008", None, "750"),
        ("M11AE", "FR", "M11"),
        ("1234 AB", "NL", "123"),
        ("94107-1234", "US", "941"),
        ("1010", "AT", "10"),
        ("101", "IS", "1"),
        ("10", "IS", ""),
        ("", "FR", ""),
        ("", "GB", ""),
    ],
)
def test_a_postcode_area_is_the_first_part(code: str, country: str | None, area: str) -> None:
    assert postcode_area(code, country) == area


@given(TEXTS, st.sampled_from(["GB", "FR", None]))
def test_a_postcode_area_never_shows_the_end_of_the_code(code: str, country: str | None) -> None:
    area = postcode_area(code, country)
    assert code.strip().startswith(area)
    assert not area or len(area) <= len(code.strip()) - 2
    assert len(area) <= 4


def test_a_postcode_too_short_to_have_an_area_is_absent() -> None:
    use = {"accountId": "acc-1", "occurredOn": NOON, "address": {"country": "IS", "postCode": "10"}}
    record = minimise(limits(CategoryTerm("card_locations", None, Precision.POSTCODE_AREA)), [use])[0]
    assert record["address"] == {"country": "IS"}


def test_the_very_first_instant_of_the_history_comes_out_and_the_one_before_does_not() -> None:
    records = [{**PERSON, "executionDateTime": at} for at in (OLDEST, OLDEST - timedelta(microseconds=1))]
    assert len(minimise(limits(CategoryTerm("transactions", Detail.BASIC)), records)) == 1


def test_without_accounts_nothing_comes_out() -> None:
    nobody = Limits(policies().categories["balances"], CategoryTerm("balances"), frozenset(), OLDEST)
    assert minimise(nobody, [{"accountId": "acc-1"}]) == []
