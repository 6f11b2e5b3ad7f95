"""How often a category is read a day: as often as the person allows without them, as the purpose says with them."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import BankTimeout, FrequencyExceeded, ProofRefused
from broker.policy import Catalogue
from broker.release import ReadPage, Release, Wanted
from broker.storage.single_use import Claim
from tests.support.core import NOON, House, as_text, call_of

BALANCES = Wanted("balances")


def read(house: House, grant_id: str, wanted: Wanted = BALANCES, *, attended: bool = False, jti: str = "") -> None:
    claims = (Claim("dpop", jti, house.watch() + timedelta(minutes=2)),) if jti else ()
    call = replace(call_of(grant_id, is_attended=attended), claims=claims)
    house.release.read(call, wanted, as_text).held.drop()


def refused(house: House, grant_id: str, wanted: Wanted = BALANCES, *, attended: bool = False) -> FrequencyExceeded:
    with pytest.raises(FrequencyExceeded) as error:
        read(house, grant_id, wanted, attended=attended)
    return error.value


def with_policies(house: House, catalogue: Catalogue) -> None:
    """Let the house release under other policies."""
    old = house.release
    parts = {name: getattr(old, name) for name in Release.__slots__}
    house.release = Release(**{**parts, "catalogue": catalogue})


def leaves(house: House) -> list[dict[str, object]]:
    return [json.loads(bytes(row[0])) for row in house.store.rows("SELECT leaf FROM audit_entries ORDER BY number")]


def test_a_platform_reads_as_often_as_the_person_allows_without_them(house: House) -> None:
    grant_id = house.approved()
    for _ in range(4):
        read(house, grant_id)
    error = refused(house, grant_id)
    assert error.retry_after_s == 12 * 3_600
    assert len(house.bank.asked) == 4
    assert (house.log()[-1].event, house.log()[-1].reasons) == ("access.refused", ("frequency-exceeded",))
    read(house, grant_id, Wanted("accounts"))
    read(house, house.approved())


@pytest.mark.any_database
def test_a_new_day_begins_at_midnight_utc(house: House) -> None:
    grant_id = house.approved()
    for _ in range(4):
        read(house, grant_id)
    house.watch.passes(hours=11, minutes=59, seconds=59)
    assert refused(house, grant_id).retry_after_s == 1
    house.watch.passes(seconds=1)
    read(house, grant_id)


@pytest.mark.any_database
def test_reads_with_the_person_are_counted_apart_and_end_too(house: House) -> None:
    grant_id, purposes = house.approved(), dict(house.catalogue.purposes)
    purposes["chat_banking"] = replace(purposes["chat_banking"], maximum_attended_per_day=5)
    with_policies(house, replace(house.catalogue, purposes=purposes))
    for _ in range(5):
        read(house, grant_id, attended=True)
    refused(house, grant_id, attended=True)
    read(house, grant_id)


@pytest.mark.any_database
@pytest.mark.parametrize("whose", ["bank", "purpose"])
def test_bank_and_purpose_can_lower_what_was_agreed(house: House, whose: str) -> None:
    grant_id, catalogue = house.approved(), house.catalogue
    if whose == "bank":
        harbor = replace(catalogue.banks["harbor"], maximum_frequency_per_day=1)
        catalogue = replace(catalogue, banks={"harbor": harbor})
    else:
        chat = catalogue.purposes["chat_banking"]
        lower = replace(chat, maximum=replace(chat.maximum, frequency_per_day=1))
        catalogue = replace(catalogue, purposes={"chat_banking": lower})
    with_policies(house, catalogue)
    read(house, grant_id)
    refused(house, grant_id)


@pytest.mark.any_database
def test_a_read_that_reached_the_bank_counts_whatever_the_bank_answers(house: House) -> None:
    grant_id = house.approved()
    house.bank.error = BankTimeout()
    for _ in range(4):
        with pytest.raises(BankTimeout):
            read(house, grant_id)
    refused(house, grant_id)


@pytest.mark.any_database
def test_a_replayed_proof_and_a_refusal_count_nothing(house: House) -> None:
    grant_id = house.approved(("balances",))
    read(house, grant_id, jti="once")
    for _ in range(5):
        with pytest.raises(ProofRefused):
            read(house, grant_id, jti="once")
    for _ in range(3):
        read(house, grant_id)
    refused(house, grant_id)


def test_a_read_that_overtakes_another_one_is_refused_by_the_log_itself(house: House) -> None:
    """Both have found room; the entry that comes second says that there is none any more."""
    grant_id = house.approved()
    for _ in range(3):
        read(house, grant_id)
    once = iter([lambda: read(house, grant_id)])
    append = house.sequencer.append

    class Overtaken:
        """The log of a process in which a call was held up between its look and its entry."""

        def __getattr__(self, name: str) -> object:
            return getattr(house.sequencer, name)

        def append(self, *arguments: object, **named: object) -> object:
            for meanwhile in once:
                meanwhile()
            return append(*arguments, **named)

    parts = {name: getattr(house.release, name) for name in Release.__slots__}
    slow = Release(**{**parts, "sequencer": Overtaken()})
    with pytest.raises(FrequencyExceeded) as error:
        slow.read(call_of(grant_id, is_attended=False), BALANCES, as_text)
    assert (error.value.rule, error.value.retry_after_s) == ("release.reads", 12 * 3_600)
    assert house.events(1) == ["access.refused"]
    assert len(house.bank.asked) == 4


def test_the_pages_of_a_read_are_one_read_each_once(house: House) -> None:
    grant_id, page = house.approved(), ReadPage.first(NOON)
    read(house, grant_id, replace(BALANCES, page=page))
    for _ in range(3):
        read(house, grant_id)
    for _ in range(5):
        page = page.following
        read(house, grant_id, replace(BALANCES, page=page))
    refused(house, grant_id, replace(BALANCES, page=page))
    house.watch.passes(minutes=10)
    refused(house, grant_id, replace(BALANCES, page=page.following))


def test_a_page_goes_with_its_read_for_ten_minutes_and_a_hundred_pages() -> None:
    first = ReadPage.first(NOON)
    assert not first.goes_on(NOON)
    assert first.following.goes_on(NOON + timedelta(minutes=9, seconds=59))
    assert not first.following.goes_on(NOON + timedelta(minutes=10))
    assert replace(first, number=100).goes_on(NOON)
    assert not replace(first, number=101).goes_on(NOON)


@pytest.mark.any_database
def test_all_pages_of_a_read_end_where_it_began(house: House) -> None:
    grant_id, page = house.approved(), ReadPage.first(NOON)
    read(house, grant_id, Wanted("transactions", page=page))
    house.watch.passes(minutes=5)
    read(house, grant_id, Wanted("transactions", page=page.following))
    assert [window.newest_at for window in house.bank.windows] == [NOON, NOON]


@pytest.mark.any_database
def test_the_entry_says_whether_the_person_was_there_and_which_page_it_is(house: House) -> None:
    grant_id, page = house.approved(), ReadPage.first(NOON)
    read(house, grant_id, replace(BALANCES, page=page), attended=True)
    read(house, grant_id, replace(BALANCES, page=page.following))
    told = [(leaf.get("attended"), leaf.get("page")) for leaf in leaves(house) if "access" in str(leaf["event"])]
    assert told == [(True, None), (True, None), (False, 2), (False, 2)]
    assert [entry.attended for entry in house.log()[-4:]] == [True, True, False, False]
    assert all(len(json.dumps(leaf)) <= 1024 for leaf in leaves(house))
