"""Row 19: from request to consent to token to refresh to record, no step yields more than the one before it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import BrokerError, ConsentRefused
from broker.grants.consents import chosen_terms
from broker.grants.views import Grant, GrantedAccount, GrantedCategory
from broker.oauth.details import asked_by
from broker.oauth.errors import OAuthRefused
from broker.oauth.granted import narrowed, standing_categories
from broker.platforms.service import Platform, PlatformKind
from broker.policy import PlatformFacts, RequestContext, decide
from broker.policy.minimise import Limits, minimise
from broker.policy.terms import CategoryTerm, Choice, Terms
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, ClusterState, Detail, GrantStatus, Precision
from broker.tokens.service import issue_refresh
from tests.support.core import DATA, NOON, policies
from tests.support.memory import folder_in_memory
from tests.support.sizes import Size
from tests.support.town import Town, open_town
from tests.support.town_client import client_post

NAMES = st.sampled_from([*DATA, *DATA, "thoughts", "Balances", "", "balances transactions", "*", "openid"])
STEPS = st.sampled_from([*Detail, *Precision, "everything", "", None, 1, ["detail"]])
NUMBERS = st.sampled_from([1, 30, 90, 365, 366, 0, -1, 10**9, True, "30", 1.5, None])
PLATFORM = Platform(
    id="messenger",
    kind=PlatformKind.PLATFORM,
    name="Messenger",
    jwks={"keys": []},
    scopes=DATA,
    purposes=("chat_banking", "account_overview"),
    default_purpose="chat_banking",
)


def _members(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


CATEGORY = _members(name=NAMES, detail=STEPS, precision=STEPS) | _members(name=st.sampled_from(DATA))
ELEMENT = st.builds(
    lambda must, may: {**must, **may},
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["bank_data"] * 6 + ["payment", "", None]),
            "purpose": st.sampled_from(["chat_banking"] * 4 + ["account_overview", "advertising", "chat", 1]),
            "categories": st.lists(CATEGORY, max_size=4) | st.none(),
        }
    ),
    _members(
        bank=st.sampled_from(["harbor", "meridian", "nowhere", "", None]),
        duration_days=NUMBERS,
        lookback_days=NUMBERS,
        frequency_per_day=NUMBERS,
        data_life_days=NUMBERS,
        duration_type=st.sampled_from(["ONE_TIME", "TIME_BOUND", "EVER"]),
        accounts=st.lists(st.sampled_from(["acc-1", "*"]), max_size=2),
    ),
)
DETAILS = st.lists(ELEMENT, min_size=1, max_size=1) | st.lists(ELEMENT, max_size=2) | ELEMENT
SCOPES = st.lists(NAMES, max_size=5).map(" ".join)
FORMS = st.builds(lambda value: {"authorization_details": json.dumps(value)}, DETAILS) | st.builds(
    lambda value: {"scope": value}, SCOPES
)
STATES = st.sampled_from([ClusterState.ACTIVE, ClusterState.ACTIVE, ClusterState.PAUSED, ClusterState.REVOKED])
CHOICES = st.builds(
    Choice,
    categories=st.lists(NAMES, max_size=4, unique=True).map(tuple),
    accounts=st.sampled_from([("acc-1",), ("acc-1", "acc-2"), (), ("acc-9",)]),
    duration_days=st.sampled_from([None, 1, 30, 400]),
    lookback_days=st.sampled_from([None, 0, 1, 30, 400]),
    details=st.none() | st.dictionaries(st.sampled_from(DATA), st.sampled_from(Detail), max_size=2),
    precisions=st.none() | st.dictionaries(st.sampled_from(DATA), st.sampled_from(Precision), max_size=2),
)


def _named(form: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What a request literally names: category -> its members."""
    if "scope" in form:
        return {name: {} for name in form["scope"].split(" ") if name}
    value = json.loads(form["authorization_details"])
    return {item["name"]: item for item in value[0]["categories"]}


def _within_what_is_named(form: dict[str, str], terms: Terms) -> None:
    named = _named(form)
    assert set(terms.category_names) == set(named) != set()
    for term in terms.categories:
        category = policies().categories.get(term.name)
        least = category.least() if category else CategoryTerm(term.name)
        most = replace(
            least,
            detail=Detail(named[term.name].get("detail", least.detail)) if least.detail else None,
            precision=Precision(named[term.name].get("precision", least.precision)) if least.precision else None,
        )
        assert term.is_within(most)


def _grant(terms: Terms, accounts: tuple[str, ...], states: dict[str, ClusterState]) -> Grant:
    return Grant(
        id="g",
        version=1,
        status=GrantStatus.ACTIVE,
        status_code="approved",
        status_at=NOON,
        user_id="u",
        bank_id="harbor",
        platform_id="messenger",
        subject_id="s",
        terms=terms,
        notice={},
        consent_key="k",
        return_path="/",
        return_origin="",
        created_at=NOON,
        authorised_at=NOON,
        updated_at=NOON,
        expires_at=NOON,
        use_count=0,
        last_use_at=None,
        categories=tuple(
            GrantedCategory(term, states.get(term.name, ClusterState.ACTIVE), 0, None) for term in terms.categories
        ),
        accounts=tuple(GrantedAccount(name, f"ref of {name}", name, ClusterState.ACTIVE) for name in accounts),
    )


def _token(form: dict[str, str] | None, grant: Grant, most: tuple[str, ...]) -> tuple[str, ...]:
    """What a token request gets: nothing when it is refused, never an empty token, never more than `most`."""
    standing = set(standing_categories(grant)) & set(most)
    try:
        got = narrowed(form or {}, grant, most)
    except (OAuthRefused, BrokerError):
        return ()
    assert set(got) <= standing
    if form is not None:
        assert set(got) == set(_named(form)) != set()
    return got


def _record(account_id: str) -> dict[str, Any]:
    every = {field.name for category in policies().categories.values() for field in category.fields}
    record: dict[str, Any] = dict.fromkeys([*every, "reference", "iban"], "x")
    place = {"country": "GB", "townName": "Leeds", "postCode": "LS1 4AP", "streetName": "High Street", "region": "x"}
    return record | {
        "accountId": account_id,
        "type": "PAYMENT",
        "executionDateTime": NOON,
        "postingDateTime": NOON,
        "occurredOn": NOON,
        "channel": "in_store",
        "address": place,
    }


def _leaves(terms: Terms, accounts: tuple[str, ...], token: tuple[str, ...]) -> None:
    for name in token:
        term, category = terms.category(name), policies().categories[name]
        assert term is not None
        limits = Limits(category=category, term=term, accounts=frozenset(accounts), oldest_at=NOON)
        records = minimise(limits, [_record(account) for account in ("acc-1", "acc-2", "acc-9")])
        assert {record["accountId"] for record in records} <= set(accounts)
        for record in records:
            assert set(record) <= {field.name for field in category.fields}
            finest = PRECISION_ORDER.index(term.precision) if term.precision else -1
            assert "lat" not in record or finest == len(PRECISION_ORDER) - 1
            assert "streetName" not in record.get("address", {}) or finest == len(PRECISION_ORDER) - 1
            assert "townName" not in record.get("address", {}) or finest >= 1
            assert "description" not in record or term.detail is DETAIL_ORDER[-1]


def _chain(
    form: dict[str, str],
    choice: Choice,
    requests: list[dict[str, str] | None],
    states: dict[str, ClusterState],
    reached: dict[str, int],
) -> None:
    catalogue = policies()
    try:
        asked = asked_by(form, PLATFORM, catalogue)
    except (OAuthRefused, BrokerError):
        return
    _within_what_is_named(form, asked)
    facts = PlatformFacts(PLATFORM.id, frozenset(PLATFORM.purposes), frozenset(DATA))
    bank = catalogue.banks.get(asked.bank or "")
    context = RequestContext(
        platform=facts, terms=asked, bank_id=asked.bank, bank=bank, off=frozenset(), off_categories=frozenset()
    )
    if not decide(catalogue, context).is_allowed:
        return
    maximum = catalogue.purposes[asked.purpose].maximum
    assert asked.lookback_days <= maximum.lookback_days
    assert (asked.duration_days or 0) <= maximum.duration_days
    reached["asked"] = reached.get("asked", 0) + 1
    try:
        terms = chosen_terms(asked, choice, asked.bank or "harbor", {"acc-1", "acc-2"})
    except ConsentRefused:
        return
    assert terms.is_within(asked)
    assert set(terms.category_names) == set(choice.categories) != set()
    reached["chosen"] = reached.get("chosen", 0) + 1
    first = _token(requests[0], _grant(terms, choice.accounts, {}), terms.category_names)
    later = _grant(terms, choice.accounts, states)
    second = _token(requests[1], later, first)
    assert set(second) <= set(first)
    assert not [name for name in second if states.get(name) is ClusterState.REVOKED]
    reached["token"] = reached.get("token", 0) + bool(second)
    _leaves(terms, choice.accounts, second)


@pytest.mark.timeout(2_400)
def test_no_step_is_wider_than_the_one_before_it(size: Size) -> None:
    reached: dict[str, int] = {}
    examples = size.of(test=300, campaign=100_000)
    usual = {"authorization_details": json.dumps([{"type": "bank_data", "purpose": "chat_banking", "categories": []}])}
    good = st.lists(st.sampled_from(DATA), min_size=1, max_size=4, unique=True).map(
        lambda names: {
            "authorization_details": json.dumps(
                [{"type": "bank_data", "purpose": "chat_banking", "categories": [{"name": name} for name in names]}]
            )
        }
    )
    wish = st.none() | FORMS | st.just(usual)
    states = st.dictionaries(st.sampled_from(DATA), STATES, max_size=3)

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(good | FORMS, CHOICES, st.lists(wish, min_size=2, max_size=2), states)
    def chain(
        form: dict[str, str], choice: Choice, requests: list[dict[str, str] | None], states: dict[str, ClusterState]
    ) -> None:
        _chain(form, choice, requests, states, reached)

    chain()
    assert min(reached.get(step, 0) for step in ("asked", "chosen", "token")) >= examples // 200, reached


@pytest.fixture
def town() -> Iterator[Town]:
    with folder_in_memory() as folder, open_town(folder) as opened:
        yield opened


@pytest.mark.timeout(1_200)
@pytest.mark.fapi(46)
def test_a_refresh_over_http_never_gives_more_than_was_granted(town: Town, size: Size) -> None:
    chance = Random(19)
    words = [*town.categories, "thoughts", "", "*"]
    live = [share for share in town.shares if share.fate in {"live", "category-revoked", "category-paused"}]
    given_out = 0
    for _ in range(size.of(test=40, campaign=2_000)):
        share = chance.choice(live)
        standing = {name for name in share.terms if (share.fate, share.ended) != ("category-revoked", name)}
        most = tuple(chance.sample(town.categories, chance.randint(0, 4)))  # also more than was ever granted
        now = town.house.watch()
        with town.house.database.write() as session:
            secret = issue_refresh(
                session,
                grant_id=share.grant_id,
                platform_id=share.platform,
                categories=most,
                grant_expires_at=town.house.grant(share.grant_id).expires_at,
                now=now,
            )
        scope = " ".join(chance.choices(words, k=chance.randint(0, 3)))
        form = {"grant_type": "refresh_token", "refresh_token": secret, **({"scope": scope} if scope.strip() else {})}
        answer = client_post(town, share.platform, "/oauth/token", form)
        if answer.status_code != 200:
            is_for_nothing = not scope.strip() and not standing & set(most)
            error = "invalid_grant" if is_for_nothing else "invalid_scope"
            assert (answer.status_code, answer.get_json()["error"]) == (400, error)
            continue
        got = set(answer.get_json()["scope"].split())
        assert got <= standing & set(most)
        assert not scope.strip() or got == set(scope.split())
        given_out += bool(got)
    assert given_out
