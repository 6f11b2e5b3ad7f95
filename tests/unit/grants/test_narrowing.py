"""Narrowing: less leaves from the very next call on, nothing ever becomes wider, and nobody else can do it."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from test_amendments import read

from broker.audit.reader import Page, of_user
from broker.banks.connector import CardUse, Channel, Place
from broker.errors import ConsentRefused, LogUnavailable, NotFound, ReleaseRefused, StorageUnavailable
from broker.grants.acts import Actor
from broker.grants.fence import Fences
from broker.grants.narrowing import Less, Narrowing
from broker.grants.service import Part
from broker.grants.versions import versions_of_user
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import ClusterState, Detail, DurationType, GrantStatus, Precision
from broker.release import Missing, Rendered, Wanted
from tests.support.core import ASKED, NOON, House, as_text, call_of

TOWNS = Less({}, {"card_locations": Precision.TOWN})
NOTHING = Less({}, {})


def narrow(
    house: House,
    grant_id: str,
    less: Less = TOWNS,
    *,
    actor: Actor | None = None,
    fences: Fences | None = None,
    seen_at: datetime | None = None,
) -> None:
    acts = Narrowing(house.sequencer, fences or house.fences, house.catalogue, house.sealer, house.watch)
    acts.narrow(actor or house.alice, grant_id, less, seen_at=seen_at or house.grant(grant_id).updated_at)


def _places(house: House, grant_id: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def keep(records: list[dict[str, Any]], missing: Missing) -> Rendered:
        seen.extend(records)
        return as_text(records, missing)

    house.release.read(call_of(grant_id), Wanted("card_locations"), keep)
    return seen


@pytest.mark.any_database
def test_what_is_lowered_is_lowered_and_the_rest_stays(house: House) -> None:
    grant_id = house.approved()
    read(house, grant_id, "balances")
    before = house.grant(grant_id)
    house.watch.passes(days=2)
    narrow(house, grant_id, Less({"transactions": Detail.BASIC}, {"card_locations": Precision.COUNTRY}, 7, 10))
    after = house.grant(grant_id)
    assert (after.version, after.status, after.updated_at) == (2, GrantStatus.ACTIVE, house.watch())
    assert after.terms == replace(
        before.terms,
        lookback_days=7,
        duration_days=10,
        categories=(
            CategoryTerm("accounts"),
            CategoryTerm("balances"),
            CategoryTerm("transactions", detail=Detail.BASIC),
            CategoryTerm("card_locations", precision=Precision.COUNTRY),
        ),
    )
    assert [part.term for part in after.categories] == list(after.terms.categories)
    assert after.expires_at == house.watch() + timedelta(days=10)
    assert (after.accounts, after.notice, after.use_count) == (before.accounts, before.notice, before.use_count)


@pytest.mark.any_database
def test_the_log_the_versions_and_the_history_say_who_narrowed_what(house: House) -> None:
    grant_id = house.approved()
    narrow(house, grant_id)
    assert (house.events(1), house.log()[-1].reasons) == (["grant.amended"], ("narrowed",))
    with house.database.read() as session:
        newest = of_user(session, house.sealer, house.alice.user_id, Page())[0]
        first, second = versions_of_user(session, house.alice.user_id)[grant_id]
    assert newest.initiator == "INDIVIDUAL"
    assert (newest.details["before"], newest.details["terms"]) == (first.terms.to_json(), second.terms.to_json())
    assert first.terms.category("card_locations") == CategoryTerm("card_locations", precision=Precision.EXACT)
    assert second.terms.category("card_locations") == CategoryTerm("card_locations", precision=Precision.TOWN)


def test_less_leaves_from_the_next_call_on(house: House) -> None:
    grant_id = house.approved(("card_locations",), ("acc-1",))
    place = Place("GB", "West Yorkshire", "Leeds", "LS1 4AP", "High Street", Decimal("53.8"), Decimal("-1.5"))
    house.bank.own_card_uses = [CardUse("ref-1", "c-1", NOON, Channel.IN_STORE, "5411", place, "bank")]
    exact = _places(house, grant_id)
    narrow(house, grant_id)
    (town,) = _places(house, grant_id)
    assert "lat" in exact[0]
    assert not town.keys() & {"lat", "lon"}
    assert town["address"] == {"country": "GB", "region": "West Yorkshire", "townName": "Leeds"}


def test_what_was_judged_before_is_not_handed_over_after_it(house: House) -> None:
    grant_id = house.approved()
    house.bank.meanwhile = lambda _: narrow(house, grant_id)
    with pytest.raises(ReleaseRefused, match="grant-changed"):
        read(house, grant_id, "card_locations")


def test_it_waits_for_what_is_being_handed_over(house: House) -> None:
    grant_id = house.approved()
    impatient = Fences(house.database, wait_s=0.2)
    house.in_the_end.callback(impatient.close)
    with house.fences.shared(grant_id), pytest.raises(StorageUnavailable):
        narrow(house, grant_id, fences=impatient)
    assert house.grant(grant_id).version == 1


@pytest.mark.any_database
def test_a_pause_stays_one_and_what_was_stopped_stays_stopped(house: House) -> None:
    grant_id = house.approved()
    house.grants.revoke(house.alice, grant_id, Part(category="transactions"))
    house.grants.pause(house.alice, grant_id, Part(category="balances"))
    house.grants.pause(house.alice, grant_id, Part())
    narrow(house, grant_id)
    grant = house.grant(grant_id)
    assert grant.status is GrantStatus.PAUSED
    states = {part.term.name: part.state for part in grant.categories}
    assert (states["transactions"], states["balances"]) == (ClusterState.REVOKED, ClusterState.PAUSED)


COARSE = replace(
    ASKED,
    lookback_days=20,
    duration_days=30,
    categories=(
        CategoryTerm("balances"),
        CategoryTerm("transactions", detail=Detail.BASIC),
        CategoryTerm("card_locations", precision=Precision.TOWN),
    ),
)
WIDER = {
    "finer places": Less({}, {"card_locations": Precision.EXACT}),
    "more detail": Less({"transactions": Detail.DETAIL}, {}),
    "more history": Less({}, {}, lookback_days=21),
    "no history": Less({}, {}, lookback_days=0),
    "a later end": Less({}, {}, ends_in_days=31),
    "the same end, to the day": Less({}, {}, ends_in_days=30),
    "an end in the past": Less({}, {}, ends_in_days=-1),
    "no life at all": Less({}, {}, ends_in_days=0),
    "a kind of data that it has not": Less({}, {"accounts": Precision.TOWN}),
    "less here and more there": Less({}, {"card_locations": Precision.COUNTRY}, lookback_days=21),
}


@pytest.mark.any_database
@pytest.mark.parametrize("name", list(WIDER))
def test_nothing_becomes_wider(house: House, name: str) -> None:
    grant_id = house.approved(COARSE.category_names, terms=COARSE)
    before = house.grant(grant_id)
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        narrow(house, grant_id, WIDER[name])
    assert house.grant(grant_id) == before


@pytest.mark.parametrize("less", [NOTHING, Less({}, {"card_locations": Precision.EXACT}), Less({}, {}, 60)])
def test_what_would_stay_as_it_is_is_no_change(house: House, less: Less) -> None:
    grant_id = house.approved()
    with pytest.raises(ConsentRefused, match="grant-unchanged"):
        narrow(house, grant_id, less)
    assert house.grant(grant_id).version == 1


def test_somebody_elses_an_ended_and_a_changed_grant_are_not_narrowed(house: House) -> None:
    grant_id = house.approved()
    with pytest.raises(NotFound):
        narrow(house, grant_id, actor=Actor("somebody", "i"))
    with pytest.raises(ConsentRefused, match="grant-changed"):
        narrow(house, grant_id, seen_at=house.watch() - timedelta(seconds=1))
    house.grants.revoke(house.alice, grant_id, Part())
    with pytest.raises(ConsentRefused, match="grant-ended"):
        narrow(house, grant_id)


def test_what_was_for_one_time_only_is_not_narrowed(house: House) -> None:
    once = replace(ASKED, duration_type=DurationType.ONE_TIME, duration_days=None)
    with pytest.raises(ConsentRefused, match="grant-ended"):
        narrow(house, house.approved(terms=once))


def test_a_log_that_cannot_be_written_narrows_nothing(house: House) -> None:
    grant_id = house.approved()
    before = house.grant(grant_id)
    house.breaks_log_at("grant.amended")
    with pytest.raises(LogUnavailable):
        narrow(house, grant_id)
    house.mends_log()
    assert house.grant(grant_id) == before
