"""Amendments: the live grant is untouched until its person agrees, and then it is what they agreed to (invariant 5)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select

from broker.audit.reader import Page, of_user
from broker.errors import ConsentRefused, LogUnavailable, NotFound, PolicyRefused, ReleaseRefused, StorageUnavailable
from broker.grants.acts import Actor
from broker.grants.amendments import Amendments
from broker.grants.consents import Answer
from broker.grants.contents import OfferedAccount
from broker.grants.fence import Fences
from broker.grants.models import GrantVersionRow
from broker.grants.proposals import AmendAction, Amendment
from broker.grants.service import Part
from broker.grants.versions import versions_of_user
from broker.grants.views import Grant
from broker.policy.terms import CategoryTerm, Choice, Terms
from broker.policy.vocabulary import ClusterState, Detail, DurationType, GrantStatus, Precision
from broker.release import Wanted
from tests.support.core import ASKED, ASKER, OFFERED, House, as_text, call_of

MODEST = replace(ASKED, categories=(CategoryTerm("balances"),), duration_days=30, lookback_days=20, bank="harbor")
FURTHER = replace(
    MODEST,
    categories=(
        CategoryTerm("transactions", detail=Detail.DETAIL),
        CategoryTerm("card_locations", precision=Precision.TOWN),
    ),
    duration_days=60,
    lookback_days=10,
)
MERGED = Choice(("balances", "transactions", "card_locations"), ("acc-1", "acc-2"))
REPLACED = Choice(("transactions",), ("acc-2",))
MERGE, REPLACE = AmendAction.MERGE, AmendAction.REPLACE


def amendments_of(house: House, fences: Fences | None = None) -> Amendments:
    return Amendments(house.sequencer, fences or house.fences, house.catalogue, house.sealer, house.watch)


def granted(house: House) -> str:
    return house.approved(("balances",), ("acc-1",), terms=MODEST)


def proposed(
    house: House, grant_id: str, action: AmendAction = MERGE, asked: Terms = FURTHER, *, key: str | None = None
) -> str:
    answer = Answer(key or f"key-{next(house.keys)}", "/oauth/answer", "https://messenger.example")
    return amendments_of(house).propose(house.alice, ASKER, grant_id, action, asked, answer=answer)


def approve(
    house: House, amendment_id: str, choice: Choice = MERGED, offered: Sequence[OfferedAccount] = OFFERED
) -> None:
    seen_at = amendment(house, amendment_id).grant.updated_at
    amendments_of(house).approve(house.alice, amendment_id, ASKER, choice, offered, seen_at=seen_at)


def refuse(house: House, amendment_id: str) -> None:
    amendments_of(house).refuse(house.alice, amendment_id)


def amendment(house: House, amendment_id: str) -> Amendment:
    with house.database.read() as session:
        found = house.reader.find_amendment(session, amendment_id, house.watch())
    assert found is not None
    return found


def read(house: House, grant_id: str, category: str) -> None:
    house.release.read(call_of(grant_id), Wanted(category), as_text)


@pytest.mark.any_database
@pytest.mark.parametrize("action", list(AmendAction))
def test_a_proposal_leaves_the_live_grant_untouched(house: House, action: AmendAction) -> None:
    grant_id = granted(house)
    before = house.grant(grant_id)
    house.watch.passes(minutes=1)
    proposed(house, grant_id, action)
    assert house.grant(grant_id) == before
    assert house.events(1) == ["grant.proposed"]


def test_a_merge_adds_what_was_agreed_to_what_is_there(house: House) -> None:
    grant_id = granted(house)
    read(house, grant_id, "balances")
    house.watch.passes(days=2)
    approve(house, proposed(house, grant_id))
    grant = house.grant(grant_id)
    assert (grant.version, grant.status, grant.status_code) == (2, GrantStatus.ACTIVE, "amended")
    assert grant.live_categories == ("balances", "transactions", "card_locations")
    assert grant.terms.category("transactions") == CategoryTerm("transactions", detail=Detail.DETAIL)
    assert [account.account_id for account in grant.live_accounts] == ["acc-1", "acc-2"]
    assert (grant.terms.lookback_days, (grant.expires_at - house.watch()).days) == (20, 60)
    assert grant.updated_at == house.watch()
    kept = grant.category("balances")
    assert kept is not None
    assert kept.use_count == 1


def test_a_replacement_leaves_nothing_that_was_not_asked_for_anew(house: House) -> None:
    grant_id = granted(house)
    approve(house, proposed(house, grant_id, REPLACE), REPLACED)
    grant = house.grant(grant_id)
    assert grant.terms == replace(FURTHER, categories=FURTHER.categories[:1])
    assert [account.account_id for account in grant.accounts] == ["acc-2"]
    with pytest.raises(ReleaseRefused, match="category-not-granted"):
        read(house, grant_id, "balances")


@pytest.mark.any_database
def test_a_merge_may_be_narrowed_below_what_is_there(house: House) -> None:
    grant_id = granted(house)
    approve(house, proposed(house, grant_id), Choice(("transactions",), ("acc-2",), 1, 1))
    grant = house.grant(grant_id)
    assert grant.live_categories == ("transactions",)
    assert (grant.terms.duration_days, grant.terms.lookback_days) == (1, 1)


WIDER: dict[str, tuple[AmendAction, Choice]] = {
    "a category that is neither there nor asked for": (MERGE, replace(MERGED, categories=("balances", "accounts"))),
    "a category that is there and not asked for anew": (REPLACE, replace(MERGED, categories=("balances",))),
    "finer places": (MERGE, replace(MERGED, precisions={"card_locations": Precision.EXACT})),
    "a longer life": (MERGE, replace(MERGED, duration_days=61)),
    "more history than is there": (MERGE, replace(MERGED, lookback_days=21)),
    "more history than is asked for": (REPLACE, replace(REPLACED, lookback_days=11)),
    "an account that the bank does not list": (MERGE, replace(MERGED, accounts=("acc-1", "acc-9"))),
}


@pytest.mark.any_database
@pytest.mark.parametrize("name", list(WIDER))
def test_a_choice_that_is_wider_is_refused(house: House, name: str) -> None:
    grant_id, (action, choice) = granted(house), WIDER[name]
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id, action)
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        approve(house, amendment_id, choice)
    assert house.grant(grant_id) == before
    assert amendment(house, amendment_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_a_joint_account_that_the_banks_facts_do_not_allow_is_not_added_though_it_was_listed(house: House) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        approve(house, amendment_id, offered=(OFFERED[0], replace(OFFERED[1], is_joint=True)))
    assert house.grant(grant_id) == before


@pytest.mark.any_database
@pytest.mark.parametrize("answer", [approve, refuse])
def test_a_proposal_dies_after_ten_minutes_and_changes_nothing(
    house: House, answer: Callable[[House, str], None]
) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    house.watch.passes(minutes=10)
    assert amendment(house, amendment_id).status_code == "unapproved"
    with pytest.raises(ConsentRefused, match="consent-expired"):
        answer(house, amendment_id)
    assert house.grant(grant_id) == before


@pytest.mark.any_database
def test_saying_no_changes_nothing_but_the_proposal(house: House) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    refuse(house, amendment_id)
    assert house.grant(grant_id) == before
    assert amendment(house, amendment_id).status is GrantStatus.REJECTED
    read(house, grant_id, "balances")
    with pytest.raises(ConsentRefused, match="consent-decided"):
        approve(house, amendment_id)


ENDS: dict[str, Callable[[House, str], object]] = {
    "stopped": lambda house, grant_id: house.grants.revoke(house.alice, grant_id, Part()),
    "over": lambda house, _: house.watch.passes(days=31),
}


@pytest.mark.any_database
@pytest.mark.parametrize("end", list(ENDS))
def test_what_has_ended_is_never_revived(house: House, end: str) -> None:
    grant_id = granted(house)
    house.watch.passes(days=29, hours=23, minutes=55)
    amendment_id = proposed(house, grant_id)
    ENDS[end](house, grant_id)
    status = house.grant(grant_id).status
    assert status.is_final
    with pytest.raises(ConsentRefused, match="amendment-superseded"):
        approve(house, amendment_id)
    with pytest.raises(ConsentRefused, match="grant-ended"):
        proposed(house, grant_id)
    assert house.grant(grant_id).status is status


@pytest.mark.any_database
@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_no_is_taken_although_the_grant_has_ended_and_touches_nothing(house: House, is_stopped: bool) -> None:
    grant_id = granted(house)
    house.watch.passes(days=29, hours=23, minutes=55)
    amendment_id = proposed(house, grant_id)
    if is_stopped:
        house.grants.revoke(house.alice, grant_id, Part())
    else:
        house.watch.passes(minutes=6)
    before = house.grant(grant_id)
    assert amendment(house, amendment_id).status_code == "amendment-superseded"
    refuse(house, amendment_id)
    assert house.grant(grant_id) == before
    assert house.durable_events()[-1] == "grant.refused"
    assert amendment(house, amendment_id).status_code == "user-refused"
    with pytest.raises(ConsentRefused, match="consent-decided"):
        refuse(house, amendment_id)


@pytest.mark.any_database
def test_a_single_read_out_cannot_be_amended(house: House) -> None:
    once = replace(MODEST, duration_type=DurationType.ONE_TIME, duration_days=None)
    grant_id = house.approved(("balances",), terms=once)
    with pytest.raises(ConsentRefused, match="grant-ended"):
        proposed(house, grant_id, asked=once)


def test_of_two_proposals_on_one_version_the_later_answer_is_told_to_ask_again(house: House) -> None:
    grant_id = granted(house)
    first, second = proposed(house, grant_id), proposed(house, grant_id, REPLACE)
    approve(house, first)
    after = house.grant(grant_id)
    with pytest.raises(ConsentRefused, match="amendment-superseded"):
        approve(house, second, REPLACED)
    assert house.grant(grant_id) == after
    refuse(house, second)
    assert house.grant(grant_id) == after


@pytest.mark.any_database
@pytest.mark.parametrize("part", [Part(), Part(category="balances"), Part(account_id="acc-1")], ids=str)
def test_a_page_from_before_a_change_approves_nothing(house: House, part: Part) -> None:
    grant_id = house.approved(("balances", "accounts"), terms=replace(MODEST, categories=ASKED.categories[:2]))
    asked = replace(FURTHER, categories=(CategoryTerm("balances"), *FURTHER.categories))
    amendment_id, seen_at = proposed(house, grant_id, asked=asked), house.grant(grant_id).updated_at
    house.watch.passes(seconds=1)
    house.grants.pause(house.alice, grant_id, part)
    before = house.grant(grant_id)
    with pytest.raises(ConsentRefused, match="grant-changed"):
        amendments_of(house).approve(house.alice, amendment_id, ASKER, MERGED, OFFERED, seen_at=seen_at)
    assert house.grant(grant_id) == before
    approve(house, amendment_id)


def test_a_paused_grant_goes_on_and_its_paused_parts_stay_paused(house: House) -> None:
    grant_id = house.approved(("balances", "accounts"), terms=replace(MODEST, categories=ASKED.categories[:2]))
    house.grants.pause(house.alice, grant_id, Part(category="balances"))
    house.grants.pause(house.alice, grant_id, Part(account_id="acc-1"))
    house.grants.pause(house.alice, grant_id, Part())
    approve(house, proposed(house, grant_id), replace(MERGED, categories=("accounts", "balances", "transactions")))
    grant = house.grant(grant_id)
    assert grant.status is GrantStatus.ACTIVE
    assert grant.live_categories == ("accounts", "transactions")
    assert [account.account_id for account in grant.live_accounts] == ["acc-2"]


def test_what_a_person_had_ended_comes_back_only_when_it_is_asked_for_and_agreed_to(house: House) -> None:
    grant_id = house.approved(("balances", "accounts"), terms=replace(MODEST, categories=ASKED.categories[:2]))
    house.grants.revoke(house.alice, grant_id, Part(category="balances"))
    waiting = amendment(house, proposed(house, grant_id))
    assert "balances" not in waiting.most.category_names
    again = proposed(house, grant_id, asked=replace(FURTHER, categories=(CategoryTerm("balances"),)))
    approve(house, again, Choice(("balances",), ("acc-1",)))
    category = house.grant(grant_id).category("balances")
    assert category is not None
    assert category.state is ClusterState.ACTIVE


@pytest.mark.any_database
@pytest.mark.parametrize("answer", [approve, refuse])
def test_somebody_elses_proposal_answers_like_an_unknown_one(
    house: House, answer: Callable[[House, str], None]
) -> None:
    amendment_id = proposed(house, granted(house))
    mallory = Actor(house.signs_in("sub-mallory").user_id, "1" * 8)
    stranger = replace(house, alice=mallory)
    with pytest.raises(NotFound):
        answer(stranger, amendment_id)
    assert amendment(house, amendment_id).status is GrantStatus.AWAITING_AUTHORISATION


@pytest.mark.any_database
def test_only_the_person_and_the_platform_of_a_grant_can_propose_to_amend_it(house: House) -> None:
    grant_id, answer = granted(house), Answer("k", "/p", "https://m.example")
    mallory = Actor(house.signs_in("sub-mallory").user_id, "1" * 8)
    for actor, asker in ((mallory, ASKER), (house.alice, replace(ASKER, platform_id="ledgerly"))):
        with pytest.raises(NotFound):
            amendments_of(house).propose(actor, asker, grant_id, MERGE, FURTHER, answer=answer)
    assert house.events(1) == ["grant.approved"]


@pytest.mark.any_database
def test_a_proposal_that_the_policies_forbid_is_rejected_and_logged(house: House) -> None:
    grant_id = granted(house)
    before = house.grant(grant_id)
    with pytest.raises(PolicyRefused, match="ceiling-exceeded"):
        proposed(house, grant_id, asked=replace(FURTHER, duration_days=366))
    assert house.events(1) == ["grant.rejected"]
    assert house.grant(grant_id) == before


def test_policies_that_change_before_the_approval_reject_the_change_and_leave_the_grant(house: House) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    facts = replace(house.catalogue.banks["harbor"], purposes=frozenset())
    changed = replace(house, catalogue=replace(house.catalogue, digest="changed", banks={"harbor": facts}))
    with pytest.raises(PolicyRefused, match="purpose-forbidden"):
        approve(changed, amendment_id)
    assert house.grant(grant_id) == before
    assert (house.log()[-1].event, house.log()[-1].policy_digest) == ("grant.rejected", "changed")
    with pytest.raises(ConsentRefused, match="consent-decided"):
        approve(house, amendment_id)


@pytest.mark.any_database
@pytest.mark.parametrize("event", ["grant.proposed", "grant.amended", "grant.refused"])
def test_what_cannot_be_logged_does_not_happen(house: House, event: str) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    house.breaks_log_at(event)
    acts: dict[str, Callable[[], object]] = {
        "grant.proposed": lambda: proposed(house, grant_id),
        "grant.amended": lambda: approve(house, amendment_id),
        "grant.refused": lambda: refuse(house, amendment_id),
    }
    with pytest.raises(LogUnavailable):
        acts[event]()
    assert house.grant(grant_id) == before
    assert amendment(house, amendment_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_an_approval_waits_for_what_is_being_handed_over(house: House) -> None:
    grant_id = granted(house)
    before, amendment_id = house.grant(grant_id), proposed(house, grant_id)
    hasty = Fences(house.database, wait_s=0.05)
    house.in_the_end.callback(hasty.close)
    impatient = replace(house, fences=hasty)
    with house.fences.shared(grant_id):
        with pytest.raises(StorageUnavailable):
            approve(impatient, amendment_id)
        assert house.grant(grant_id) == before
    approve(impatient, amendment_id)


NARROWED: dict[str, tuple[Choice, str]] = {
    "its category is gone": (Choice(("transactions",), ("acc-1",)), "category-not-granted"),
    "its account is gone": (Choice(("balances", "card_locations"), ("acc-2",)), "grant-changed"),
    "its places are coarser": (
        Choice(("balances", "card_locations"), ("acc-1",), precisions={"card_locations": Precision.COUNTRY}),
        "grant-changed",
    ),
    "its history is shorter": (Choice(("balances", "card_locations"), ("acc-1",), lookback_days=1), "grant-changed"),
}


@pytest.mark.any_database
@pytest.mark.parametrize("name", list(NARROWED))
def test_what_was_prepared_by_the_old_version_does_not_leave_under_the_new_one(house: House, name: str) -> None:
    choice, code = NARROWED[name]
    exact = CategoryTerm("card_locations", precision=Precision.EXACT)
    grant_id = house.approved(
        ("balances", "card_locations"), ("acc-1",), terms=replace(MODEST, categories=(*MODEST.categories, exact))
    )
    amendment_id = proposed(house, grant_id)
    house.watch.passes(seconds=1)
    house.bank.meanwhile = lambda _: approve(house, amendment_id, choice)
    with pytest.raises(ReleaseRefused, match=code):
        read(house, grant_id, "card_locations")
    assert house.events(2) == ["grant.amended", "access.refused"]
    assert house.log()[-1].reasons == (code,)


def test_answers_from_many_threads_amend_exactly_once(house: House) -> None:
    grant_id = granted(house)
    amendments = [proposed(house, grant_id, key="same") for _ in range(2)] * 5
    start = Barrier(len(amendments))

    def attempt(amendment_id: str) -> bool:
        start.wait()
        try:
            approve(house, amendment_id)
        except ConsentRefused:
            return False
        return True

    with ThreadPoolExecutor(len(amendments)) as pool:
        assert sum(pool.map(attempt, amendments)) == 1
    assert house.events().count("grant.amended") == 1
    assert house.grant(grant_id).version == 2


def test_a_revocation_that_races_an_approval_has_the_last_word(house: House) -> None:
    grant_id = granted(house)
    amendment_id, start = proposed(house, grant_id), Barrier(2)

    def approves() -> None:
        start.wait()
        try:
            approve(house, amendment_id)
        except ConsentRefused as refusal:
            assert refusal.code in {"amendment-superseded", "grant-changed"}  # noqa: PT017 - either order is right

    def revokes() -> None:
        start.wait()
        house.grants.revoke(house.alice, grant_id, Part())

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(approves), pool.submit(revokes)]:
            done.result()
    assert house.grant(grant_id).status is GrantStatus.REVOKED
    assert house.events(1) == ["grant.revoked"] or "grant.amended" not in house.events()


def test_the_log_of_a_change_tells_the_person_what_was_and_what_is(house: House) -> None:
    grant_id = granted(house)
    approve(house, proposed(house, grant_id))
    grant = house.grant(grant_id)
    with house.database.read() as session:
        entry = of_user(session, house.sealer, house.alice.user_id, Page())[0]
    assert (entry.event, entry.grant_id) == ("grant.amended", grant_id)
    assert entry.details["terms"] == grant.terms.to_json()
    assert entry.details["before"] == MODEST.to_json()
    assert entry.details["accounts"] == ["acc-1", "acc-2"]
    assert entry.details["notice"] == grant.notice
    assert entry.details["difference"]["added"] == ["transactions", "card_locations"]
    assert entry.details["difference"]["figures"] == {"durationDays": [30, 60]}


@pytest.mark.fapi(88)
def test_every_version_of_an_amended_grant_is_kept(house: House) -> None:
    grant_id = granted(house)
    house.watch.passes(days=1)
    approve(house, proposed(house, grant_id))
    second = house.grant(grant_id)
    approve(house, proposed(house, grant_id, REPLACE), REPLACED)
    with house.database.read() as session:
        kept = versions_of_user(session, house.alice.user_id)[grant_id]
        assert len(session.scalars(select(GrantVersionRow)).all()) == len(kept)
    assert [(one.version, one.event.value) for one in kept] == [
        (1, "grant.approved"),
        (2, "grant.amended"),
        (3, "grant.amended"),
    ]
    assert [one.terms for one in kept] == [MODEST, second.terms, _terms(house.grant(grant_id))]
    assert [one.accounts for one in kept] == [("acc-1",), ("acc-1", "acc-2"), ("acc-2",)]
    assert kept[0].created_at == second.authorised_at


def _terms(grant: Grant) -> Terms:
    return grant.terms
