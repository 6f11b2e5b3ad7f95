"""Facts of a bank: newest version counts at once, within its file; a release never follows a change that it ignored."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from broker.banks import facts as bank_facts
from broker.banks.connector import BankAccess
from broker.errors import (
    ConfigurationInvalid,
    ConsentRefused,
    InvalidRequest,
    PolicyRefused,
    ReleaseRefused,
    StorageUnavailable,
)
from broker.grants.consents import Consents
from broker.policy import facts
from broker.policy.catalogue import BankFacts
from broker.policy.terms import Choice
from broker.policy.vocabulary import GrantStatus
from broker.release import OwnAccounts, Wanted
from tests.support.core import ASKED, ASKER, OFFERED, House, account, as_text, call_of, open_house, policies

BOUNDS = policies().banks["harbor"]
HARD = replace(BOUNDS, joint_accounts=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as found:
        yield found


def keeps(house: House, wished: BankFacts, *, after: int | None = None, reason: str = "a reason") -> int:
    bounds = house.catalogue.banks[wished.bank]
    with house.sequencer.transaction([wished.bank]) as transaction:
        session = transaction.session
        seen = bank_facts.newest_version(session, wished.bank) if after is None else after
        sealer, now = house.sealer, house.watch()
        return bank_facts.keep(session, sealer, bounds, wished, after=seen, author="Ada", reason=reason, now=now)


def without(category: str) -> BankFacts:
    return replace(BOUNDS, categories=BOUNDS.categories - {category})


def in_force(house: House) -> bank_facts.InForce:
    with house.database.read() as session:
        return bank_facts.in_force(session, house.catalogue, "harbor")


def reads(house: House, grant_id: str, category: str = "balances") -> None:
    house.release.read(call_of(grant_id), Wanted(category), as_text).held.drop()


some_facts = st.builds(
    BankFacts,
    bank=st.just("harbor"),
    categories=st.frozensets(st.sampled_from(["accounts", "balances", "transactions", "thoughts"])),
    purposes=st.frozensets(st.sampled_from(["chat_banking", "balance_check", "advertising"])),
    maximum_duration_days=st.integers(1, 1000),
    maximum_lookback_days=st.integers(1, 1000),
    maximum_frequency_per_day=st.integers(1, 1000),
    joint_accounts=st.booleans(),
    receipts_required=st.booleans(),
)


@given(some_facts, some_facts)
def test_stored_facts_are_never_wider_than_the_file(stored: BankFacts, file: BankFacts) -> None:
    found = facts.within(facts.from_text(file, facts.to_text(stored)), file)
    assert found.categories == stored.categories & file.categories
    assert found.purposes == stored.purposes & file.purposes
    assert found.joint_accounts == (stored.joint_accounts and file.joint_accounts)
    assert found.receipts_required == file.receipts_required
    for name in facts.FIGURES:
        assert getattr(found, name) == min(getattr(stored, name), getattr(file, name))


@given(some_facts, some_facts)
def test_what_is_told_of_a_change_is_nothing_exactly_when_nothing_changes(one: BankFacts, other: BankFacts) -> None:
    same = facts.to_text(one) == facts.to_text(other)
    assert facts.change(one, other).is_empty is same


def test_the_digest_in_force_is_that_of_the_files_until_the_facts_differ() -> None:
    files = policies()
    assert facts.in_force(files, BOUNDS) is files
    narrow, other = facts.in_force(files, without("balances")), facts.in_force(files, without("accounts"))
    assert len({files.digest, narrow.digest, other.digest}) == 3
    assert facts.in_force(files, without("balances")).digest == narrow.digest
    assert narrow.banks["meridian"] == files.banks["meridian"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", "null", '{"categories":5}', '{"categories":[],"purposes":[]}'])
def test_facts_that_cannot_be_read_offer_nothing(house: House, text: str) -> None:
    keeps(house, BOUNDS)
    house.runs(f"INSERT INTO bank_facts VALUES ('harbor', 2, '{text}', x'78', '2026-11-22 12:00:00', 'x')")  # noqa: S608
    found = in_force(house)
    assert (found.version, found.bank and found.bank.categories, found.bank and found.bank.purposes) == (
        2,
        set(),
        set(),
    )


def test_a_change_counts_for_the_very_next_call(house: House) -> None:
    grant_id = house.approved()
    reads(house, grant_id)
    keeps(house, without("balances"))
    with pytest.raises(ReleaseRefused) as refusal:
        reads(house, grant_id)
    assert refusal.value.code == "category-off"
    reads(house, grant_id, "accounts")
    keeps(house, BOUNDS)
    reads(house, grant_id)
    refused = next(entry for entry in house.log() if entry.event.value == "access.refused")
    assert refused.policy_digest == facts.in_force(house.catalogue, without("balances")).digest
    assert house.log()[-1].policy_digest == house.catalogue.digest


def test_a_change_while_the_bank_answers_keeps_the_answer_back(house: House) -> None:
    """Also one that leaves the category: what was fetched was judged, and its history cut, by the old facts."""
    grant_id = house.approved()

    def meanwhile(_access: BankAccess) -> None:
        keeps(house, replace(BOUNDS, maximum_lookback_days=30))

    house.bank.meanwhile = meanwhile
    with pytest.raises(ReleaseRefused) as refusal:
        reads(house, grant_id, "transactions")
    assert refusal.value.code == "policy-changed"
    assert house.events(2) == ["access.requested", "access.refused"]


def test_a_release_after_a_change_in_the_log_was_judged_by_it(house: House) -> None:
    """Even if the change comes between the last look at the facts and the entry."""
    same = bank_facts.SameFacts("harbor", 0)
    with house.database.write() as session:
        assert same.take(session)
    keeps(house, without("accounts"))
    with house.database.write() as session:
        assert not same.take(session)
        assert bank_facts.SameFacts("harbor", 1).take(session)


def test_history_goes_no_further_back_than_the_bank_says_now(house: House) -> None:
    grant_id = house.approved()
    keeps(house, replace(BOUNDS, maximum_lookback_days=7))
    reads(house, grant_id, "transactions")
    window = house.bank.windows[-1]
    assert (house.watch() - window.oldest_at).days == 7
    keeps(house, BOUNDS)
    reads(house, grant_id, "transactions")
    assert (house.watch() - house.bank.windows[-1].oldest_at).days == ASKED.lookback_days


def test_a_proposal_and_an_approval_are_judged_by_the_facts_of_their_moment(house: House) -> None:
    keeps(house, replace(BOUNDS, maximum_lookback_days=30))
    with pytest.raises(PolicyRefused) as refusal:
        house.proposed()
    assert refusal.value.code == "ceiling-exceeded"
    keeps(house, BOUNDS)
    grant_id = house.proposed()
    keeps(house, replace(BOUNDS, purposes=BOUNDS.purposes - {"chat_banking"}))
    with pytest.raises(PolicyRefused) as refusal:
        house.consents.approve(house.alice, grant_id, ASKER, Choice(("balances",), ("acc-1",)), OFFERED)
    assert refusal.value.code == "purpose-forbidden"
    assert house.events(1) == ["grant.rejected"]
    assert house.log()[-1].policy_digest == in_force(house).catalogue.digest


def test_joint_accounts_can_be_left_out_where_the_file_allows_them(house: House) -> None:
    house.catalogue = replace(house.catalogue, banks={**house.catalogue.banks, "harbor": HARD})
    house.release = replace(house.release, catalogue=house.catalogue)
    proposal = house.grant(house.proposed())
    house.bank.own_accounts = [account("ref-1"), account("ref-2", joint=True)]
    assert len(OwnAccounts(house.release).of(house.alice, proposal)) == 2
    keeps(house, replace(HARD, joint_accounts=False))
    assert len(OwnAccounts(house.release).of(house.alice, proposal)) == 1


def test_a_joint_account_listed_before_the_bank_left_it_out_cannot_be_approved(house: House) -> None:
    """The page is made before the approval: what counts is what the facts say under the lock."""
    catalogue = replace(house.catalogue, banks={**house.catalogue.banks, "harbor": HARD})
    house.catalogue, house.release = catalogue, replace(house.release, catalogue=catalogue)
    consents = Consents(house.sequencer, catalogue, house.sealer, house.release.pairwise, house.watch)
    house.bank.own_accounts = [account("ref-1", joint=True)]
    first, second = house.proposed(), house.proposed()
    (listed,) = OwnAccounts(house.release).of(house.alice, house.grant(first))
    choice = Choice(("balances",), (listed.account_id,))
    consents.approve(house.alice, first, ASKER, choice, [listed.offered])
    keeps(house, replace(HARD, joint_accounts=False))
    with pytest.raises(ConsentRefused) as refusal:
        consents.approve(house.alice, second, ASKER, choice, [listed.offered])
    assert refusal.value.code == "consent-too-wide"
    assert house.grant(second).status is GrantStatus.AWAITING_AUTHORISATION


@pytest.mark.parametrize(
    "wider",
    [
        replace(BOUNDS, categories=BOUNDS.categories | {"thoughts"}),
        replace(BOUNDS, purposes=BOUNDS.purposes | {"advertising"}),
        replace(BOUNDS, maximum_duration_days=BOUNDS.maximum_duration_days + 1),
        replace(BOUNDS, maximum_lookback_days=BOUNDS.maximum_lookback_days + 1),
        replace(BOUNDS, maximum_frequency_per_day=BOUNDS.maximum_frequency_per_day + 1),
        replace(BOUNDS, joint_accounts=True),
        replace(BOUNDS, receipts_required=False),
    ],
)
def test_nothing_is_kept_that_is_wider_than_the_file(house: House, wider: BankFacts) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        keeps(house, wider)
    assert refusal.value.code == "facts-too-wide"
    assert in_force(house).version == 0


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_change_needs_a_reason_of_a_reasonable_length(house: House, reason: str) -> None:
    with pytest.raises(InvalidRequest):
        keeps(house, without("accounts"), reason=reason)


def test_of_two_changes_from_one_version_the_second_is_refused(house: House) -> None:
    keeps(house, without("accounts"), after=0)
    with pytest.raises(InvalidRequest) as refusal:
        keeps(house, without("balances"), after=0)
    assert refusal.value.code == "facts-changed"


def test_a_narrowed_file_counts_over_what_the_bank_stored_before(house: House) -> None:
    keeps(house, without("accounts"))
    house.catalogue = replace(house.catalogue, banks={"harbor": without("balances")})
    bank = in_force(house).bank
    assert bank is not None
    assert bank.categories == BOUNDS.categories - {"accounts", "balances"}


def test_a_bank_without_a_file_has_no_facts_whatever_is_stored(house: House) -> None:
    keeps(house, BOUNDS)
    house.catalogue = replace(house.catalogue, banks={})
    assert in_force(house).bank is None


@pytest.mark.parametrize("act", ["UPDATE bank_facts SET sealed_by = x'79'", "DELETE FROM bank_facts"])
def test_a_version_can_be_neither_changed_nor_deleted(house: House, act: str) -> None:
    keeps(house, BOUNDS)
    with pytest.raises(StorageUnavailable), house.database.write() as session:
        session.execute(text(act))
    with house.database.read() as session:
        assert [version.author for version in bank_facts.history(session, house.sealer, BOUNDS)] == ["Ada"]


def test_the_name_of_who_changed_facts_rests_sealed_to_its_version(house: House) -> None:
    """The row can never be erased: with the key gone nobody reads the name, and no other row tells it."""
    keeps(house, without("accounts"))
    keeps(house, BOUNDS)
    rows = house.store.rows("SELECT * FROM bank_facts ORDER BY version")
    assert "Ada" not in str(rows)
    sealed = [bytes(row[3]) for row in rows]
    assert house.sealer.open(sealed[1], "bank_facts/harbor/2") == b"Ada"
    with pytest.raises(ConfigurationInvalid):
        house.sealer.open(sealed[0], "bank_facts/harbor/2")


def test_the_text_of_facts_is_canonical() -> None:
    assert facts.to_text(BOUNDS) == json.dumps(json.loads(facts.to_text(BOUNDS)), sort_keys=True, separators=(",", ":"))
