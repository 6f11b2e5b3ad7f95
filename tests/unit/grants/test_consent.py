"""Consent: one decision a request, never wider than asked, refused policies remembered (invariant 5)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select

from broker.audit.reader import Page, of_user
from broker.errors import ConsentRefused, LogUnavailable, NotFound, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker, Consents
from broker.grants.models import GrantRow
from broker.policy.terms import CategoryTerm, Choice
from broker.policy.vocabulary import Detail, DurationType, GrantStatus, Precision
from tests.support.core import ASKED, ASKER, DATA, OFFERED, House

MODEST = replace(
    ASKED,
    categories=(
        CategoryTerm("balances"),
        CategoryTerm("transactions", detail=Detail.BASIC),
        CategoryTerm("card_locations", precision=Precision.TOWN),
    ),
    duration_days=30,
    lookback_days=20,
)
ALL = Choice(("balances", "transactions", "card_locations"), ("acc-1",))


def approve(house: House, grant_id: str, choice: Choice = ALL) -> None:
    house.consents.approve(house.alice, grant_id, ASKER, choice, OFFERED)


def test_an_approval_grants_what_was_asked_and_nothing_else(house: House) -> None:
    grant_id = house.proposed(MODEST)
    approve(house, grant_id)
    grant = house.grant(grant_id)
    assert (grant.status, grant.status_code) == (GrantStatus.ACTIVE, "approved")
    assert grant.terms == replace(MODEST, bank="harbor")
    assert [(one.account_id, one.bank_ref, one.label) for one in grant.accounts] == [
        ("acc-1", "ref-1", OFFERED[0].label)
    ]
    assert (grant.expires_at - house.watch()).days == 30
    assert grant.notice["sha256"] == house.catalogue.notice_digest
    assert house.events() == ["grant.proposed", "grant.approved"]


def test_a_narrower_choice_is_what_is_granted(house: House) -> None:
    grant_id = house.proposed(MODEST)
    choice = Choice(
        ("card_locations",),
        ("acc-2",),
        7,
        1,
        precisions={"card_locations": Precision.COUNTRY, "balances": Precision.TOWN},
    )
    approve(house, grant_id, choice)
    terms = house.grant(grant_id).terms
    assert terms.categories == (CategoryTerm("card_locations", precision=Precision.COUNTRY),)
    assert (terms.duration_days, terms.lookback_days) == (7, 1)


WIDER: dict[str, Choice] = {
    "a category that was not asked": replace(ALL, categories=(*ALL.categories, "accounts")),
    "an unknown category": replace(ALL, categories=("no_such",)),
    "more detail": replace(ALL, details={"transactions": Detail.DETAIL}),
    "finer places": replace(ALL, precisions={"card_locations": Precision.POSTCODE_AREA}),
    "exact places": replace(ALL, precisions={"card_locations": Precision.EXACT}),
    "a longer duration": replace(ALL, duration_days=31),
    "no duration": replace(ALL, duration_days=0),
    "a duration below nothing": replace(ALL, duration_days=-1),
    "more history": replace(ALL, lookback_days=21),
    "history below nothing": replace(ALL, lookback_days=-1),
    "an account that was not offered": replace(ALL, accounts=("acc-1", "acc-9")),
    "the bank's own account id": replace(ALL, accounts=("ref-1",)),
}


@pytest.mark.any_database
@pytest.mark.parametrize("name", list(WIDER))
def test_a_choice_that_is_wider_is_refused(house: House, name: str) -> None:
    grant_id = house.proposed(MODEST)
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        approve(house, grant_id, WIDER[name])
    assert house.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    assert house.events() == ["grant.proposed"]
    approve(house, grant_id)


@pytest.mark.parametrize("choice", [replace(ALL, categories=()), replace(ALL, accounts=())], ids=["data", "accounts"])
def test_an_empty_choice_means_nothing_and_never_everything(house: House, choice: Choice) -> None:
    grant_id = house.proposed(MODEST)
    with pytest.raises(ConsentRefused, match="consent-empty"):
        approve(house, grant_id, choice)
    assert house.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_a_one_time_request_lives_for_minutes_and_cannot_be_lengthened(house: House) -> None:
    once = replace(MODEST, duration_type=DurationType.ONE_TIME, duration_days=None)
    grant_id = house.proposed(once)
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        approve(house, grant_id, replace(ALL, duration_days=1))
    approve(house, grant_id)
    assert (house.grant(grant_id).expires_at - house.watch()).total_seconds() == 600


def _approves(house: House, grant_id: str) -> None:
    approve(house, grant_id)


def _refuses(house: House, grant_id: str) -> None:
    house.consents.refuse(house.alice, grant_id)


@pytest.mark.parametrize("second", [_approves, _refuses])
@pytest.mark.parametrize("first", [_approves, _refuses])
def test_a_request_is_answered_once(
    house: House, first: Callable[[House, str], None], second: Callable[[House, str], None]
) -> None:
    grant_id = house.proposed(MODEST)
    first(house, grant_id)
    status = house.grant(grant_id).status
    with pytest.raises(ConsentRefused, match="consent-decided"):
        second(house, grant_id)
    assert house.grant(grant_id).status is status
    assert len(house.events()) == 2


def test_two_proposals_of_one_request_are_answered_once(house: House) -> None:
    first, second = house.proposed(MODEST, key="same"), house.proposed(MODEST, key="same")
    approve(house, first)
    with pytest.raises(ConsentRefused, match="consent-decided"):
        approve(house, second)
    assert house.grant(second).status is GrantStatus.AWAITING_AUTHORISATION


def test_approvals_from_many_threads_make_exactly_one_grant(house: House) -> None:
    proposals = [house.proposed(MODEST, key="same") for _ in range(4)] * 2
    start = Barrier(len(proposals))

    def attempt(grant_id: str) -> bool:
        start.wait()
        try:
            approve(house, grant_id)
        except ConsentRefused:
            return False
        return True

    with ThreadPoolExecutor(len(proposals)) as pool:
        assert sum(pool.map(attempt, proposals)) == 1
    assert house.events().count("grant.approved") == 1
    assert sum(house.grant(one).status is GrantStatus.ACTIVE for one in set(proposals)) == 1


@pytest.mark.parametrize("answer", [_approves, _refuses])
def test_a_proposal_dies_unapproved_after_ten_minutes(house: House, answer: Callable[[House, str], None]) -> None:
    grant_id = house.proposed(MODEST)
    house.watch.passes(minutes=9, seconds=59)
    assert house.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    house.watch.passes(seconds=1)
    assert house.grant(grant_id).status is GrantStatus.EXPIRED
    with pytest.raises(ConsentRefused, match="consent-expired"):
        answer(house, grant_id)
    assert house.events() == ["grant.proposed"]


def test_an_expired_grant_is_answered_as_decided(house: House) -> None:
    grant_id = house.approved()
    house.watch.passes(days=91)
    with pytest.raises(ConsentRefused, match="consent-decided"):
        house.consents.refuse(house.alice, grant_id)


@pytest.mark.parametrize("answer", ["approve", "refuse"])
def test_somebody_elses_proposal_answers_like_an_unknown_one(house: House, answer: str) -> None:
    grant_id = house.proposed(MODEST)
    mallory = Actor(house.signs_in("sub-mallory").user_id, "1" * 8)
    for actor, name in ((mallory, grant_id), (house.alice, "no-such")):
        arguments = (ASKER, ALL, OFFERED) if answer == "approve" else ()
        with pytest.raises(NotFound):
            getattr(house.consents, answer)(actor, name, *arguments)
    assert house.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("asker", "terms", "bank", "code"),
    [
        (ASKER, replace(MODEST, purpose="advertising"), "harbor", "purpose-forbidden"),
        (ASKER, replace(MODEST, purpose="no_such"), "harbor", "purpose-forbidden"),
        (replace(ASKER, purposes=frozenset()), MODEST, "harbor", "purpose-forbidden"),
        (replace(ASKER, categories=frozenset()), MODEST, "harbor", "category-not-granted"),
        (ASKER, replace(MODEST, duration_days=366), "harbor", "ceiling-exceeded"),
        (ASKER, replace(MODEST, lookback_days=181), "meridian", "ceiling-exceeded"),
        (ASKER, MODEST, "no-such-bank", "bank-unknown"),
    ],
)
def test_a_proposal_that_the_policies_forbid_is_rejected_and_logged(
    house: House, asker: Asker, terms: object, bank: str, code: str
) -> None:
    with pytest.raises(PolicyRefused, match=code):
        house.consents.propose(house.alice, asker, terms, bank, Answer("k", "/p", "https://m.example"))  # type: ignore[arg-type]  # parametrised
    assert house.events() == ["grant.rejected"]
    assert house.log()[0].reasons[0] == code
    assert _statuses(house) == ["REJECTED"]


def test_policies_that_change_before_the_approval_reject_it_and_say_so_in_the_log(house: House) -> None:
    grant_id = house.proposed(MODEST)
    facts = replace(house.catalogue.banks["harbor"], purposes=frozenset())
    changed = replace(house.catalogue, digest="changed", banks={"harbor": facts})
    consents = Consents(house.sequencer, changed, house.sealer, house.release.pairwise, house.watch)
    with pytest.raises(PolicyRefused, match="purpose-forbidden"):
        consents.approve(house.alice, grant_id, ASKER, ALL, OFFERED)
    grant = house.grant(grant_id)
    assert (grant.status, grant.status_code) == (GrantStatus.REJECTED, "purpose-forbidden")
    assert house.events() == ["grant.proposed", "grant.rejected"]
    assert house.log()[-1].policy_digest == "changed"
    with pytest.raises(ConsentRefused, match="consent-decided"):
        approve(house, grant_id)


UNLOGGED: dict[str, Callable[[House, str], object]] = {
    "grant.proposed": lambda house, _: house.proposed(MODEST),
    "grant.approved": _approves,
    "grant.refused": _refuses,
    "grant.rejected": lambda house, _: house.proposed(replace(MODEST, purpose="advertising")),
}


@pytest.mark.parametrize("event", list(UNLOGGED))
def test_what_cannot_be_logged_does_not_happen(house: House, event: str) -> None:
    grant_id = house.proposed(MODEST)
    house.breaks_log_at(event)
    with pytest.raises(LogUnavailable):
        UNLOGGED[event](house, grant_id)
    assert _statuses(house) == ["AWAITING_AUTHORISATION"]


def test_the_log_of_an_approval_names_terms_accounts_and_notice_to_the_person(house: House) -> None:
    grant_id = house.proposed(MODEST)
    approve(house, grant_id)
    with house.database.read() as session:
        entry = of_user(session, house.sealer, house.alice.user_id, Page())[0]
    assert entry.details["accounts"] == ["acc-1"]
    assert entry.details["terms"]["lookbackDays"] == 20
    assert entry.details["notice"]["sha256"] == house.catalogue.notice_digest


def test_account_names_and_bank_account_ids_rest_sealed(house: House) -> None:
    house.approved(DATA)
    stored = house.stored_bytes()
    assert b"ref-1" not in stored
    assert OFFERED[0].label.encode() not in stored


def _statuses(house: House) -> list[str]:
    with house.database.read() as session:
        return list(session.scalars(select(GrantRow.status)))
