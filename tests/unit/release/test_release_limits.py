"""What comes out of a release: never more than the grant names, whatever the bank sends (invariant 5)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from broker.banks.connector import (
    BankBalance,
    BankTransaction,
    CardUse,
    Channel,
    Place,
    TransactionStatus,
    TransactionType,
)
from broker.errors import BankUnavailable, LogUnavailable, ReleaseRefused, TokenRefused
from broker.grants.service import Part
from broker.policy.terms import Choice
from broker.policy.vocabulary import Detail, Precision
from broker.release import Missing, OwnAccounts, Rendered, Wanted
from tests.support.core import ASKED, ASKER, NOON, OFFERED, House, account, as_text, call_of

MIDNIGHT = NOON.replace(hour=0, minute=0, second=0, microsecond=0)


def balance(ref: str) -> BankBalance:
    return BankBalance(ref, Decimal("12.30"), Decimal("10.00"), None, None, "GBP", NOON)


def transaction(ref: str, number: int, at: datetime = NOON) -> BankTransaction:
    return BankTransaction(
        account_ref=ref,
        ref=f"t-{number}",
        type=TransactionType.PAYMENT,
        status=TransactionStatus.POSTED,
        description="CORNER SHOP",
        posted_at=at,
        executed_at=at,
        amount=Decimal("-3.20"),
        currency="GBP",
        reference="ref-canary",
        merchant_name="Corner Shop",
        merchant_category_code="0742",
    )


def card_use(ref: str, number: int, at: datetime = NOON) -> CardUse:
    place = Place("GB", "West Yorkshire", "Leeds", "LS1 4AP", "High Street", Decimal("53.8"), Decimal("-1.5"))
    return CardUse(ref, f"c-{number}", at, Channel.IN_STORE, "5411", place, "bank")


def read(house: House, grant_id: str, wanted: Wanted) -> list[dict[str, Any]]:
    """Read and return the minimised records."""
    seen: list[dict[str, Any]] = []

    def keep(records: list[dict[str, Any]], missing: Missing) -> Rendered:
        seen.extend(records)
        return as_text(records, missing)

    house.release.read(call_of(grant_id), wanted, keep)
    return seen


def test_only_the_granted_accounts_of_the_banks_list_come_out(house: House) -> None:
    grant_id = house.approved(accounts=("acc-1",))
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Hidden"), account("ref-9", name="Hidden")]
    assert [record["accountId"] for record in read(house, grant_id, Wanted("accounts"))] == ["acc-1"]


def test_the_bank_is_asked_for_the_granted_accounts_only(house: House) -> None:
    grant_id = house.approved(accounts=("acc-1",))
    house.bank.own_balances = [balance("ref-1")]
    assert read(house, grant_id, Wanted("balances"))[0]["currentBalance"] == Decimal("12.30")
    assert house.bank.asked == [("balances", ("ref-1",))]


def test_a_paused_account_is_neither_asked_for_nor_released(house: House) -> None:
    grant_id = house.approved()
    house.grants.pause(house.alice, grant_id, Part(account_id="acc-1"))
    house.bank.own_balances = [balance("ref-2")]
    assert [record["accountId"] for record in read(house, grant_id, Wanted("balances"))] == ["acc-2"]
    assert house.bank.asked == [("balances", ("ref-2",))]


@pytest.mark.parametrize("category", ["balances", "transactions", "card_locations"])
def test_records_of_an_account_that_nobody_asked_for_are_dropped(house: House, category: str) -> None:
    grant_id = house.approved(accounts=("acc-1",))
    house.bank.own_balances = [balance("ref-1"), balance("ref-foreign")]
    house.bank.own_transactions = [transaction("ref-1", 1), transaction("ref-foreign", 2)]
    house.bank.own_card_uses = [card_use("ref-1", 1), card_use("ref-foreign", 2)]
    assert [record["accountId"] for record in read(house, grant_id, Wanted(category))] == ["acc-1"]


def test_records_of_a_granted_account_that_was_not_asked_for_do_not_come_out(house: House) -> None:
    grant_id = house.approved()
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    records = read(house, grant_id, Wanted("accounts", account_id="acc-2"))
    assert [record["displayName"] for record in records] == ["Savings"]


def test_history_reaches_back_whole_days_and_no_further(house: House) -> None:
    grant_id = house.approved()
    oldest = MIDNIGHT - timedelta(days=60)
    house.bank.own_transactions = [
        transaction("ref-1", number, at)
        for number, at in enumerate([NOON, oldest, oldest - timedelta(microseconds=1), oldest - timedelta(days=400)])
    ]
    assert len(read(house, grant_id, Wanted("transactions"))) == 2
    assert house.bank.windows[0].oldest_at == oldest
    assert house.bank.windows[0].newest_at == NOON


def test_a_narrower_window_is_widened_to_whole_days(house: House) -> None:
    grant_id = house.approved()
    wanted = Wanted("transactions", oldest_at=NOON - timedelta(days=3), newest_at=NOON - timedelta(days=2))
    read(house, grant_id, wanted)
    assert house.bank.windows[0].oldest_at == MIDNIGHT - timedelta(days=3)
    assert house.bank.windows[0].newest_at == MIDNIGHT - timedelta(days=1)


def test_a_window_older_than_the_grant_asks_for_nothing_older(house: House) -> None:
    grant_id = house.approved()
    long_ago = NOON - timedelta(days=400)
    read(house, grant_id, Wanted("transactions", oldest_at=long_ago, newest_at=long_ago))
    window = house.bank.windows[0]
    assert window.oldest_at == window.newest_at == MIDNIGHT - timedelta(days=60)


def test_the_chosen_detail_decides_about_descriptions(house: House) -> None:
    grant_id = house.proposed()
    choice = Choice(("transactions",), ("acc-1",), details={"transactions": Detail.BASIC})
    house.consents.approve(house.alice, grant_id, ASKER, choice, OFFERED)
    house.bank.own_transactions = [transaction("ref-1", 1)]
    record = read(house, grant_id, Wanted("transactions"))[0]
    assert not record.keys() & {"description", "merchantName", "reference"}
    assert record["executionDateTime"] == MIDNIGHT


def test_no_reference_ever_leaves(house: House) -> None:
    grant_id = house.approved()
    house.bank.own_transactions = [transaction("ref-1", 1)]
    assert "ref-canary" not in str(read(house, grant_id, Wanted("transactions")))


def test_the_chosen_precision_decides_about_places(house: House) -> None:
    grant_id = house.proposed()
    choice = Choice(("card_locations",), ("acc-1",), precisions={"card_locations": Precision.TOWN})
    house.consents.approve(house.alice, grant_id, ASKER, choice, OFFERED)
    house.bank.own_card_uses = [card_use("ref-1", 1)]
    record = read(house, grant_id, Wanted("card_locations"))[0]
    assert record["address"] == {"country": "GB", "region": "West Yorkshire", "townName": "Leeds"}
    assert not record.keys() & {"lat", "lon"}


def test_two_platforms_never_see_the_same_transaction_id(house: House) -> None:
    grant_id = house.approved()
    house.bank.own_transactions = [transaction("ref-1", 1), transaction("ref-2", 1)]
    first, second = read(house, grant_id, Wanted("transactions"))
    assert first["transactionId"] != second["transactionId"]
    assert "t-1" not in first["transactionId"]


def test_a_filter_on_a_field_that_is_not_granted_is_refused_before_the_bank_is_asked(house: House) -> None:
    grant_id = house.proposed()
    choice = Choice(("transactions",), ("acc-1",), details={"transactions": Detail.BASIC})
    house.consents.approve(house.alice, grant_id, ASKER, choice, OFFERED)
    with pytest.raises(ReleaseRefused, match="field-not-granted"):
        read(house, grant_id, Wanted("transactions", filtered_fields=frozenset({"description"})))
    assert house.events()[-1] == "access.refused"
    assert house.bank.asked == []


def test_a_token_opens_only_what_it_was_narrowed_to(house: House) -> None:
    call = call_of(house.approved(), "balances")
    with pytest.raises(ReleaseRefused, match="category-not-granted"):
        house.release.read(call, Wanted("accounts"), as_text)
    assert house.bank.asked == []


@pytest.mark.parametrize(
    ("prepare", "wanted", "error", "code"),
    [
        (None, Wanted("no_such_category"), ReleaseRefused, "category-not-granted"),
        (None, Wanted("accounts", account_id="ref-1"), ReleaseRefused, "account-not-granted"),
        (None, Wanted("accounts", account_id=""), ReleaseRefused, "account-not-granted"),
        ("pause", Wanted("accounts"), ReleaseRefused, "grant-paused"),
        ("revoke", Wanted("accounts"), TokenRefused, "grant-revoked"),
    ],
)
def test_each_refusal_is_logged_and_the_bank_left_alone(
    house: House, prepare: str | None, wanted: Wanted, error: type[Exception], code: str
) -> None:
    grant_id = house.approved()
    if prepare:
        getattr(house.grants, prepare)(house.alice, grant_id, Part())
    with pytest.raises(error, match=code):
        house.release.read(call_of(grant_id), wanted, as_text)
    assert house.events()[-1] == "access.refused"
    assert house.log()[-1].reasons[0] == code
    assert house.bank.asked == []


def test_a_category_that_the_person_left_unticked_is_refused(house: House) -> None:
    with pytest.raises(ReleaseRefused, match="category-not-granted"):
        house.release.read(call_of(house.approved(("accounts",))), Wanted("balances"), as_text)


def test_a_proposal_that_is_not_approved_releases_nothing(house: House) -> None:
    with pytest.raises(TokenRefused, match="grant-unknown"):
        house.release.read(call_of(house.proposed()), Wanted("accounts"), as_text)
    assert house.bank.asked == []


def test_a_grant_whose_accounts_are_all_paused_releases_nothing(house: House) -> None:
    grant_id = house.approved(accounts=("acc-1",))
    house.grants.pause(house.alice, grant_id, Part(account_id="acc-1"))
    with pytest.raises(ReleaseRefused, match="account-not-granted"):
        house.release.read(call_of(grant_id), Wanted("accounts"), as_text)
    assert house.bank.asked == []


def test_a_bank_whose_facts_were_withdrawn_releases_nothing(house: House) -> None:
    call = call_of(house.approved())
    without = replace(house.release, catalogue=replace(house.catalogue, banks={}))
    with pytest.raises(ReleaseRefused, match="category-off"):
        without.read(call, Wanted("accounts"), as_text)
    assert house.bank.asked == []


def test_own_accounts_are_logged_before_the_bank_is_asked(house: House) -> None:
    proposal = house.grant(house.proposed())
    seen: list[list[str]] = []
    house.bank.meanwhile = lambda _: seen.append(house.durable_events())
    house.bank.own_accounts = [account("ref-1"), account("ref-2", joint=True), account("ref-3", closed=True)]
    own = OwnAccounts(house.release).of(house.alice, proposal)
    assert seen[0][-1] == "accounts.listed"
    assert [one.offered.bank_ref for one in own] == ["ref-1"]
    assert own[0].account_id not in {"ref-1", "sub-alice"}


def test_own_accounts_are_not_asked_for_without_a_log(house: House) -> None:
    proposal = house.grant(house.proposed())
    house.breaks_log_at("accounts.listed")
    with pytest.raises(LogUnavailable):
        OwnAccounts(house.release).of(house.alice, proposal)
    assert house.bank.asked == []


def test_own_accounts_of_a_bank_that_fails_are_logged_as_failed(house: House) -> None:
    proposal = house.grant(house.proposed())
    house.bank.error = BankUnavailable()
    with pytest.raises(BankUnavailable):
        OwnAccounts(house.release).of(house.alice, proposal)
    assert house.events()[-2:] == ["accounts.listed", "access.failed"]


def test_one_account_has_different_ids_at_two_platforms(house: House) -> None:
    house.bank.own_accounts = [account("ref-1")]
    ids = set()
    for platform in ("messenger", "rival"):
        proposal = replace(house.grant(house.proposed(ASKED)), platform_id=platform)
        ids |= {one.account_id for one in OwnAccounts(house.release).of(house.alice, proposal)}
    assert len(ids) == 2
