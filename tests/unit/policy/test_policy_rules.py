"""The rules as tables: who may ask for what, and what may leave when."""

from dataclasses import replace
from itertools import product

import pytest

from broker.policy import PlatformFacts, ReleaseContext, RequestContext, decide
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, Detail, DurationType, GrantStatus
from tests.support.core import ASKED, DATA, policies
from tests.support.nothing_stops import NOTHING_GATHERED, NOTHING_READ

FIGURES = {"duration_days": 365, "lookback_days": 365, "frequency_per_day": 24, "data_life_days": 90}
EVERY_PURPOSE = frozenset(policies().purposes)
PLATFORM = PlatformFacts("messenger", EVERY_PURPOSE, frozenset(DATA))
HARBOR = policies().banks["harbor"]
REQUEST = RequestContext(
    platform=PLATFORM, terms=ASKED, bank_id="harbor", bank=HARBOR, off=frozenset(), off_categories=frozenset()
)
RELEASE = ReleaseContext(
    platform=PLATFORM,
    status=GrantStatus.ACTIVE,
    is_expired=False,
    purpose="chat_banking",
    bank_id="harbor",
    bank=HARBOR,
    category="balances",
    term=CategoryTerm("balances"),
    category_state=ClusterState.ACTIVE,
    token_categories=frozenset({"balances"}),
    account_states={"acc-1": ClusterState.ACTIVE},
    off=frozenset(),
    reads=NOTHING_READ,
    harvest=NOTHING_GATHERED,
)


def codes(context: RequestContext | ReleaseContext) -> list[str]:
    decision = decide(policies(), context)
    assert decision.policy_digest == policies().digest
    assert decision.is_allowed is (not decision.codes)
    return decision.codes


def asking(**changes: object) -> RequestContext:
    return replace(REQUEST, terms=replace(ASKED, **changes))  # type: ignore[arg-type]  # the names are those of Terms


@pytest.mark.parametrize(("purpose", "category"), list(product(sorted(policies().purposes), DATA)))
def test_a_purpose_may_ask_for_its_own_categories_and_no_other(purpose: str, category: str) -> None:
    chosen = policies().purposes[purpose]
    terms = policies().complete(purpose=chosen, categories=(CategoryTerm(category),))
    expected = [] if category in chosen.needs else ["category-not-granted"]
    assert codes(replace(REQUEST, terms=terms)) == expected


@pytest.mark.parametrize("purpose", [*sorted(policies().forbidden), "no_such", "", "Chat_Banking"])
@pytest.mark.parametrize("registered", [True, False])
def test_no_one_may_name_a_purpose_that_is_not_on_the_closed_list(purpose: str, registered: bool) -> None:
    context = asking(purpose=purpose)
    purposes = EVERY_PURPOSE | {purpose} if registered else EVERY_PURPOSE
    assert codes(replace(context, platform=replace(PLATFORM, purposes=purposes))) == ["purpose-forbidden"]


def test_advertising_and_resale_are_forbidden() -> None:
    assert policies().forbidden.keys() >= {"advertising", "marketing", "resale", "profiling_for_sale"}


def test_a_platform_may_name_only_what_it_is_registered_for() -> None:
    assert codes(replace(REQUEST, platform=replace(PLATFORM, purposes=frozenset({"balance_check"})))) == [
        "purpose-forbidden"
    ]
    assert codes(replace(REQUEST, platform=replace(PLATFORM, categories=frozenset({"accounts"})))) == [
        "category-not-granted"
    ]


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_is_allowed_up_to_its_ceiling_and_not_beyond(name: str) -> None:
    without_bank = replace(asking(**{name: FIGURES[name]}), bank_id=None, bank=None)
    assert codes(without_bank) == []
    above = replace(asking(**{name: FIGURES[name] + 1}), bank_id=None, bank=None)
    assert codes(above) == ["ceiling-exceeded"]


@pytest.mark.parametrize("name", ["duration_days", "lookback_days", "frequency_per_day"])
def test_a_banks_own_ceiling_counts_too(name: str) -> None:
    limit = {"duration_days": 10, "lookback_days": 10, "frequency_per_day": 2}[name]
    facts = replace(HARBOR, **{f"maximum_{name}": limit})  # type: ignore[arg-type]  # a figure
    modest = {"duration_days": 10, "lookback_days": 10, "frequency_per_day": 2}
    assert codes(replace(asking(**modest), bank=facts)) == []
    assert codes(replace(asking(**{**modest, name: limit + 1}), bank=facts)) == ["ceiling-exceeded"]


def test_a_bank_without_facts_is_refused_and_no_bank_is_judged_later() -> None:
    assert codes(replace(REQUEST, bank_id="no-such-bank", bank=None)) == ["bank-unknown"]
    assert codes(replace(REQUEST, bank_id=None, bank=None)) == []


def test_a_bank_that_does_not_offer_something_is_refused() -> None:
    facts = replace(HARBOR, categories=frozenset({"accounts"}), purposes=frozenset())
    assert codes(replace(REQUEST, bank=facts)) == ["purpose-forbidden", "category-off"]


def test_a_request_for_nothing_is_refused() -> None:
    assert codes(asking(categories=())) == ["category-not-granted"]


def test_a_request_for_an_unknown_category_is_refused() -> None:
    assert "category-not-granted" in codes(asking(categories=(CategoryTerm("thoughts"),)))


@pytest.mark.parametrize(
    ("kind", "days", "expected"),
    [
        (DurationType.ONE_TIME, None, []),
        (DurationType.ONE_TIME, 1, ["ceiling-exceeded"]),
        (DurationType.TIME_BOUND, None, ["ceiling-exceeded"]),
        (DurationType.TIME_BOUND, 1, []),
    ],
)
def test_a_duration_fits_its_kind(kind: DurationType, days: int | None, expected: list[str]) -> None:
    assert codes(asking(duration_type=kind, duration_days=days)) == expected


@pytest.mark.parametrize("name", list(FIGURES))
@pytest.mark.parametrize("value", [0, -1])
def test_a_figure_below_one_is_refused(name: str, value: int) -> None:
    assert codes(asking(**{name: value})) == ["ceiling-exceeded"]


def test_every_reason_is_found_not_only_the_first() -> None:
    terms = replace(ASKED, lookback_days=9_999)
    nothing = PlatformFacts("messenger", frozenset(), frozenset())
    narrow = replace(HARBOR, categories=frozenset())
    found = codes(replace(REQUEST, platform=nothing, terms=terms, bank=narrow))
    assert found == ["purpose-forbidden", "category-not-granted", "category-off", "ceiling-exceeded"]


def test_what_no_list_names_is_refused_by_name() -> None:
    terms = replace(ASKED, purpose="no_such", categories=(CategoryTerm("thoughts"),))
    decision = decide(policies(), replace(REQUEST, terms=terms, bank_id="no-such-bank", bank=None))
    assert [reason.rule for reason in decision.reasons] == ["catalogue.purpose", "catalogue.category", "catalogue.bank"]


STATUS_CODES = {
    GrantStatus.ACTIVE: [],
    GrantStatus.PAUSED: ["grant-paused"],
    GrantStatus.SUSPENDED: ["policy-refused"],  # never asked: what a switch stops is told by `off`
    GrantStatus.REVOKED: ["grant-revoked"],
    GrantStatus.EXPIRED: ["grant-expired"],
    GrantStatus.REJECTED: ["grant-rejected"],
    GrantStatus.AWAITING_AUTHORISATION: ["grant-unknown"],
}


@pytest.mark.parametrize("status", list(GrantStatus))
def test_only_an_active_grant_lets_data_out(status: GrantStatus) -> None:
    assert codes(replace(RELEASE, status=status)) == STATUS_CODES[status]


CATEGORY_CODES = {
    ClusterState.ACTIVE: [],
    ClusterState.PAUSED: ["category-paused"],
    ClusterState.REVOKED: ["category-revoked"],
    None: ["category-not-granted"],
}


@pytest.mark.parametrize(("category", "account"), list(product(CATEGORY_CODES, CATEGORY_CODES)))
def test_both_the_category_and_every_account_must_be_live(
    category: ClusterState | None, account: ClusterState | None
) -> None:
    context = replace(RELEASE, category_state=category, account_states={"acc-1": ClusterState.ACTIVE, "acc-2": account})
    expected = CATEGORY_CODES[category] + ([] if account is ClusterState.ACTIVE else ["account-not-granted"])
    assert codes(context) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_expired": True}, ["grant-expired"]),
        ({"term": None}, ["category-not-granted"]),
        ({"token_categories": frozenset()}, ["category-not-granted"]),
        ({"token_categories": frozenset({"accounts"})}, ["category-not-granted"]),
        ({"purpose": "advertising"}, ["purpose-forbidden"]),
        ({"purpose": "spending_insights"}, ["purpose-forbidden"]),
        ({"bank": None}, ["category-off"]),
        ({"category": "thoughts"}, ["category-not-granted"]),
    ],
)
def test_each_condition_of_a_release_refuses_by_itself(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(replace(RELEASE, **changes)) == expected  # type: ignore[arg-type]  # the names are those of the context


def test_a_category_that_the_bank_no_longer_offers_stays_in() -> None:
    facts = replace(HARBOR, categories=frozenset({"accounts"}))
    assert codes(replace(RELEASE, bank=facts)) == ["category-off"]


def test_terms_survive_being_written_down() -> None:
    for terms in (
        ASKED,
        replace(ASKED, duration_type=DurationType.ONE_TIME, duration_days=None, bank="harbor"),
        replace(ASKED, categories=(CategoryTerm("transactions", Detail.BASIC),)),
    ):
        assert Terms.from_json(terms.to_json()) == terms


def test_terms_know_their_categories() -> None:
    assert ASKED.category("balances") == CategoryTerm("balances")
    assert ASKED.category("thoughts") is None
