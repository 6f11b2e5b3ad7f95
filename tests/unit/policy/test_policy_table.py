"""Everything that can be asked, against a plain reading of the files: nothing is allowed that they do not allow.

Every refusal names the rules that the reading names, in the same order.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, combinations, product
from typing import Any

import pytest

from broker.policy import BankFacts, Harvest, Off, PlatformFacts, Reads, decide
from broker.policy.contexts import ReleaseContext, RequestContext
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, DurationType, GrantStatus
from broker.settings import default_policies_dir
from tests.support.core import policies
from tests.unit.policy.plain_reading import FIGURES, Asking, read, refusing_release, refusing_request
from tests.unit.policy.test_policy_rules import RELEASE, REQUEST

FILES = read(default_policies_dir())
NARROW = {
    "bank": "narrow",
    "categories": ["balances", "transactions"],
    "purposes": ["chat_banking", "fraud_protection"],
    "maximum_duration_days": 30,
    "maximum_lookback_days": 7,
    "maximum_frequency_per_day": 2,
}
BANKS: dict[str | None, dict[str, Any] | None] = {**FILES.banks, "narrow": NARROW, "no-such-bank": None, None: None}
EVERYTHING = (frozenset(FILES.purposes) | FILES.forbidden, frozenset(FILES.categories))
REGISTRATIONS = (
    EVERYTHING,
    (frozenset(), frozenset()),
    (frozenset({"chat_banking", "resale"}), frozenset(FILES.categories)),
    (frozenset(FILES.purposes), frozenset({"balances", "card_locations"})),
)


def spellings(name: str) -> Iterator[str]:
    """The same to a hasty reader, and not the same."""
    yield from (name.upper(), name.title(), f" {name}", f"{name} ", f"{name}\n", f"{name}\0", f"{name}s", "")
    yield from (name.replace("a", "\u0430"), name.replace("i", "\u0131"), f"{name}\u200b", f"\ufeff{name}")
    yield from (name.replace("_", "-"), name.replace("_", " "), name.replace("_", ""), f"{name}/../{name}", f"{name}*")


def facts(bank: dict[str, Any] | None) -> BankFacts | None:
    if bank is None:
        return None
    return BankFacts(
        bank["bank"],
        frozenset(bank["categories"]),
        frozenset(bank["purposes"]),
        *(bank[f"maximum_{name}"] for name in FIGURES[:3]),
        joint_accounts=False,
        receipts_required=True,
    )


def request(asked: Asking, bank_id: str | None) -> RequestContext:
    figures = asked.figures
    terms = Terms(asked.purpose, (CategoryTerm(asked.category),), DurationType.TIME_BOUND, **figures)
    platform = PlatformFacts("messenger", asked.purposes, asked.categories)
    return replace(REQUEST, platform=platform, terms=terms, bank_id=bank_id, bank=facts(asked.bank))


def release(asked: Asking, bank_id: str | None) -> ReleaseContext:
    return replace(
        RELEASE,
        platform=PlatformFacts("messenger", asked.purposes, asked.categories),
        purpose=asked.purpose,
        bank_id=bank_id or "",
        bank=facts(asked.bank),
        category=asked.category,
        token_categories=frozenset({asked.category}),
    )


def default_figures(purpose: str) -> dict[str, int]:
    told = FILES.purposes.get(purpose, FILES.purposes["chat_banking"])
    return {name: told[f"default_{name}"] for name in FIGURES}


def rules(context: RequestContext | ReleaseContext) -> list[str]:
    decision = decide(policies(), context)
    told = [reason.rule for reason in decision.reasons]
    assert all(reason.text.strip() and "{" not in reason.text for reason in decision.reasons)
    assert decision.is_allowed is (told == [])
    return told


def asked(purpose: str, category: str, registration: int, bank_id: str | None) -> Asking:
    purposes, categories = REGISTRATIONS[registration]
    is_bank_named, bank = bank_id is not None, BANKS[bank_id]
    return Asking(purpose, category, purposes, categories, bank, is_bank_named, default_figures(purpose))


LISTED = sorted(set(FILES.purposes) | FILES.forbidden)


@pytest.mark.parametrize("registration", range(len(REGISTRATIONS)))
def test_a_request_is_allowed_exactly_when_the_files_allow_it(registration: int) -> None:
    allowed = 0
    for purpose, category, bank_id in product([*LISTED, "no_such"], [*FILES.categories, "thoughts"], BANKS):
        case = asked(purpose, category, registration, bank_id)
        expected = refusing_request(FILES, case)
        assert rules(request(case, bank_id)) == expected, case
        allowed += not expected
    assert (allowed > 0) is (registration != 1)


@pytest.mark.parametrize("registration", range(len(REGISTRATIONS)))
def test_a_release_is_allowed_exactly_when_the_files_allow_it(registration: int) -> None:
    banks = [bank for bank in BANKS if bank is not None]
    for purpose, category, bank_id in product([*LISTED, "no_such"], [*FILES.categories, "thoughts"], banks):
        case = asked(purpose, category, registration, bank_id)
        assert rules(release(case, bank_id)) == refusing_release(FILES, case), case


@pytest.mark.parametrize("name", LISTED)
def test_another_spelling_of_a_purpose_is_no_purpose(name: str) -> None:
    for spelt in {*spellings(name)} - {name}:
        case = replace(asked(spelt, "balances", 0, "harbor"), purposes=frozenset({spelt, name}))
        assert rules(request(case, "harbor")) == ["catalogue.purpose"], spelt
        assert rules(release(case, "harbor")) == ["catalogue.purpose"], spelt


@pytest.mark.parametrize("name", sorted(FILES.categories))
def test_another_spelling_of_a_category_is_no_category(name: str) -> None:
    for spelt in {*spellings(name)} - {name}:
        case = replace(asked("chat_banking", spelt, 0, "harbor"), categories=frozenset({spelt, name}))
        assert rules(request(case, "harbor")) == ["catalogue.category"], spelt
        assert rules(release(case, "harbor")) == ["catalogue.category"], spelt


@pytest.mark.parametrize("purpose", sorted(FILES.purposes))
def test_each_figure_is_allowed_up_to_the_lower_ceiling(purpose: str) -> None:
    category = next(iter(FILES.purposes[purpose]["categories"]))
    for name, bank_id in product(FIGURES, BANKS):
        ceilings = [FILES.purposes[purpose][f"maximum_{name}"], (BANKS[bank_id] or {}).get(f"maximum_{name}", 1)]
        for value in {-1, 0, 1, *ceilings, *(ceiling + 1 for ceiling in ceilings)}:
            case = asked(purpose, category, 0, bank_id)
            case = replace(case, figures={**case.figures, name: value})
            assert rules(request(case, bank_id)) == refusing_request(FILES, case), (name, value, bank_id)


def _of_grant(context: ReleaseContext) -> list[str]:
    """What the state of a grant must be told as, read from the design's table."""
    dead = {"PAUSED": "paused", "REVOKED": "revoked", "REJECTED": "rejected", "AWAITING_AUTHORISATION": "unapproved"}
    if context.status.value in dead:
        return [f"grant.{dead[context.status.value]}"]
    if context.status is GrantStatus.EXPIRED or context.is_expired:
        return ["grant.expired"]
    state = context.category_state
    found = [f"grant.category-{state.lower()}"] if state in {ClusterState.REVOKED, ClusterState.PAUSED} else []
    is_named = context.term is not None and state is not None and context.category in context.token_categories
    found += [] if is_named else ["grant.categories"]
    is_shared = bool(context.account_states) and set(context.account_states.values()) == {ClusterState.ACTIVE}
    return found + ([] if is_shared else ["grant.accounts"])


# What follows from a switch is not a state that the rules are told: they are told the switch.
STATES: tuple[ClusterState | None, ...] = (ClusterState.ACTIVE, ClusterState.PAUSED, ClusterState.REVOKED, None)
STATUSES = [status for status in GrantStatus if status is not GrantStatus.SUSPENDED]


@pytest.mark.parametrize("status", STATUSES)
def test_every_state_of_a_grant_is_told_by_its_rule(status: GrantStatus) -> None:
    accounts = [(), *((state,) for state in STATES), *combinations(STATES, 2)]
    for is_expired, state, term, token, shared in product(
        (False, True), STATES, (None, RELEASE.term), (frozenset[str](), RELEASE.token_categories), accounts
    ):
        context = replace(
            RELEASE,
            status=status,
            is_expired=is_expired,
            category_state=state,
            term=term,
            token_categories=token,
            account_states={str(number): one for number, one in enumerate(shared)},
        )
        assert rules(context) == _of_grant(context), context


def test_a_state_that_no_rule_is_about_is_refused() -> None:
    assert rules(replace(RELEASE, status=GrantStatus.SUSPENDED)) == ["policy.default"]
    assert rules(replace(RELEASE, category_state=ClusterState.SUSPENDED)) == ["policy.default"]


def test_each_switch_that_is_off_refuses_by_its_own_rule() -> None:
    case = asked("chat_banking", "balances", 0, "harbor")
    for off in chain.from_iterable(combinations(Off, size) for size in range(len(Off) + 1)):
        expected = [f"switch.{one.lower()}" for one in off]
        assert rules(replace(request(case, "harbor"), off=frozenset(off))) == expected
        assert rules(replace(release(case, "harbor"), off=frozenset(off))) == expected


@pytest.mark.parametrize("is_attended", [True, False])
def test_each_kind_of_read_has_its_own_ceiling(is_attended: bool) -> None:
    for attended, unattended in product((0, 4, 5, 6), (0, 1, 2, 3)):
        reads = Reads(
            is_attended=is_attended,
            attended_today=attended,
            attended_ceiling=5,
            unattended_today=unattended,
            unattended_ceiling=2,
        )
        is_above = attended >= 5 if is_attended else unattended >= 2
        kind = "attended" if is_attended else "unattended"
        assert rules(replace(RELEASE, reads=reads)) == ([f"limit.reads-{kind}"] if is_above else [])


def test_each_budget_of_a_platform_refuses_by_its_own_rule() -> None:
    for is_held, people, records in product((False, True), (0, 3, 4), (0, 9, 10)):
        harvest = Harvest(is_held=is_held, people=people, people_ceiling=3, records=records, records_ceiling=9)
        expected = ["harvest.held"] * is_held + ["harvest.people"] * (people > 3) + ["harvest.records"] * (records > 9)
        assert rules(replace(RELEASE, harvest=harvest)) == expected
