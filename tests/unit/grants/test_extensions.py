"""Renewals: the same goes on for longer, never wider, and the live grant is untouched until it is done."""

from datetime import timedelta

import pytest
from test_amendments import MODEST, amendment, approve, granted, proposed, read

from broker.audit.reader import Page, of_user
from broker.errors import ConsentRefused, LogUnavailable, NotFound, PolicyRefused, ReleaseRefused
from broker.grants.acts import Actor
from broker.grants.extensions import Extensions, lengths
from broker.grants.service import Part
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.tokens.lasting import lengthen
from broker.tokens.service import end_all_of_grant, find_token, issue_refresh
from tests.support.core import ASKER, OFFERED, House


def extend(
    house: House, grant_id: str, days: int = 30, *, offered: object = OFFERED, actor: Actor | None = None
) -> None:
    acts = Extensions(house.sequencer, house.fences, house.catalogue, house.sealer, house.watch, lengthen=lengthen)
    seen_at = house.grant(grant_id).updated_at
    acts.extend(actor or house.alice, grant_id, ASKER, days, offered, seen_at=seen_at)  # type: ignore[arg-type]


@pytest.mark.any_database
def test_a_renewal_moves_the_end_and_nothing_else(house: House) -> None:
    grant_id = granted(house)
    read(house, grant_id, "balances")
    before = house.grant(grant_id)
    house.watch.passes(days=20)
    extend(house, grant_id)
    after = house.grant(grant_id)
    assert after.expires_at == house.watch() + timedelta(days=30)
    assert (after.version, after.status, after.terms) == (2, GrantStatus.ACTIVE, before.terms)
    assert (after.categories, after.accounts, after.notice) == (before.categories, before.accounts, before.notice)
    assert house.events(1) == ["grant.amended"]
    assert house.log()[-1].reasons == ("renewed",)
    read(house, grant_id, "balances")


def test_the_log_tells_the_person_what_was_renewed(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=20)
    extend(house, grant_id, 20)
    with house.database.read() as session:
        newest = of_user(session, house.sealer, house.alice.user_id, Page())[0]
    assert newest.initiator == "INDIVIDUAL"
    assert newest.details["difference"]["figures"] == {"durationDays": [30, 20]}


def test_what_was_stopped_stays_stopped_and_what_was_paused_stays_paused(house: House) -> None:
    grant_id = house.approved(("balances", "transactions"), ("acc-1", "acc-2"))
    house.grants.revoke(house.alice, grant_id, Part(category="transactions"))
    house.grants.revoke(house.alice, grant_id, Part(account_id="acc-2"))
    house.grants.pause(house.alice, grant_id, Part(category="balances"))
    house.grants.pause(house.alice, grant_id, Part())
    house.watch.passes(days=1)
    extend(house, grant_id, house.grant(grant_id).terms.duration_days or 0)
    grant = house.grant(grant_id)
    assert grant.status is GrantStatus.PAUSED
    assert [(part.term.name, part.state) for part in grant.categories] == [("balances", ClusterState.PAUSED)]
    assert [account.account_id for account in grant.accounts] == ["acc-1"]
    with pytest.raises(ReleaseRefused):
        read(house, grant_id, "transactions")


@pytest.mark.parametrize(("passed", "days"), [(20, 31), (20, 10), (20, 0), (0, 30)])
def test_it_ends_later_than_now_and_no_later_than_agreed(house: House, passed: int, days: int) -> None:
    grant_id = granted(house)
    house.watch.passes(days=passed)
    before = house.grant(grant_id)
    with pytest.raises(ConsentRefused) as told:
        extend(house, grant_id, days)
    assert (told.value.code, house.grant(grant_id)) == ("consent-too-wide", before)


def test_lengths_are_offered_within_what_was_agreed(house: House) -> None:
    grant_id = granted(house)
    assert lengths(house.grant(grant_id), house.watch(), [7, 60]) == []
    house.watch.passes(days=25)
    assert lengths(house.grant(grant_id), house.watch(), [1, 7, 60]) == [7, 30]
    house.grants.revoke(house.alice, grant_id, Part())
    assert lengths(house.grant(grant_id), house.watch(), [7]) == []


def test_somebody_elses_an_ended_and_a_changed_grant_are_not_renewed(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=1)
    with pytest.raises(NotFound):
        extend(house, grant_id, actor=Actor("somebody", "i"))
    acts = Extensions(house.sequencer, house.fences, house.catalogue, house.sealer, house.watch, lengthen=lengthen)
    with pytest.raises(ConsentRefused) as told:
        acts.extend(house.alice, grant_id, ASKER, 30, OFFERED, seen_at=house.watch())
    assert told.value.code == "grant-changed"
    house.watch.passes(days=30)
    with pytest.raises(ConsentRefused) as told:
        extend(house, grant_id)
    assert told.value.code == "grant-ended"


def test_accounts_that_the_bank_no_longer_lists_are_left_out(house: House) -> None:
    grant_id = house.approved(("balances",), ("acc-1", "acc-2"), terms=MODEST)
    house.watch.passes(days=1)
    extend(house, grant_id, offered=OFFERED[:1])
    assert [account.account_id for account in house.grant(grant_id).accounts] == ["acc-1"]
    house.watch.passes(days=1)
    before = house.grant(grant_id)
    with pytest.raises(ConsentRefused) as told:
        extend(house, grant_id, offered=())
    assert (told.value.code, house.grant(grant_id)) == ("consent-empty", before)


def test_what_the_policies_allow_no_more_is_not_renewed_and_the_refusal_is_logged(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=1)
    before = house.grant(grant_id)
    acts = Extensions(house.sequencer, house.fences, house.catalogue, house.sealer, house.watch, lengthen=lengthen)
    nothing = type(ASKER)("messenger", frozenset(), frozenset())
    with pytest.raises(PolicyRefused):
        acts.extend(house.alice, grant_id, nothing, 30, OFFERED, seen_at=before.updated_at)
    assert house.grant(grant_id) == before
    assert house.events(1) == ["grant.rejected"]


def test_a_log_that_cannot_be_written_renews_nothing(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=1)
    before = house.grant(grant_id)
    house.breaks_log_at("grant.amended")
    with pytest.raises(LogUnavailable):
        extend(house, grant_id)
    house.mends_log()
    assert house.grant(grant_id) == before


def test_a_request_of_the_app_from_before_is_out_of_date_after_a_renewal(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=1)
    asked = proposed(house, grant_id)
    extend(house, grant_id)
    with pytest.raises(ConsentRefused) as told:
        approve(house, asked)
    assert told.value.code == "amendment-superseded"
    assert amendment(house, asked).status is GrantStatus.EXPIRED


@pytest.mark.any_database
def test_the_refresh_token_lives_as_long_as_the_renewed_grant_and_an_ended_one_stays_ended(house: House) -> None:
    grant_id = granted(house)
    end = house.grant(grant_id).expires_at

    def issued() -> str:
        with house.database.write() as session:
            return issue_refresh(
                session,
                grant_id=grant_id,
                platform_id="messenger",
                categories=["balances"],
                grant_expires_at=end,
                now=house.watch(),
            )

    ended = issued()
    with house.database.write() as session:
        end_all_of_grant(session, grant_id, house.watch())
    living = issued()
    house.watch.passes(days=20)
    extend(house, grant_id)
    with house.database.read() as session:
        lives, stays = find_token(session, living), find_token(session, ended)
    assert lives is not None
    assert stays is not None
    assert (lives.expires_at, lives.ended_at) == (house.grant(grant_id).expires_at, None)
    assert (stays.expires_at, stays.ended_at is None) == (end, False)
