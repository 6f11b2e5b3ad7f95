"""Fields released = fields named on the page: for every combination of categories, details and precision.

The page is the real template over the real offer, read as a person reads it. What leaves is what the real minimiser
lets out of records in which the bank has filled in every field.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from itertools import chain, combinations, product
from typing import Any

import pytest
from web_world import Browser, World

from broker.banks.connector import (
    AlertKind,
    BankAccess,
    BankAccount,
    BankAlert,
    BankBalance,
    BankTransaction,
    CardUse,
    Channel,
    Credential,
    OpenStatus,
    Place,
    TransactionStatus,
    TransactionType,
    Window,
)
from broker.crypto.pairwise import PairwiseIds
from broker.grants.views import Grant, GrantedAccount, GrantedCategory
from broker.policy import Catalogue
from broker.policy.answers import Answer
from broker.policy.catalogue import Category, Field
from broker.policy.minimise import Record
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, ClusterState, Detail, Precision
from broker.release.asking import Announcement, Wanted
from broker.release.cut import fetched, minimised
from broker.release.examples import example_question
from broker.release.previews import Preview
from broker.release.wire import plain
from broker.web.offer import offer_of
from broker.web.preview import told as shown
from broker.web.preview_values import KINDS
from tests.support.core import KEY, NOON, FakeBank

SPAN = Window(NOON - timedelta(days=60), NOON)
Named = dict[str, list[tuple[str, str]]]
CODE = re.compile(r"[A-Z_]{2,}|[a-z]+(_[a-z]+)+|-?[0-9]+\.[0-9]+|.*[0-9]T[0-9].*")


class _Fields(HTMLParser):
    """Reads, card by card, what stands under "Each time, the app gets": a label, and the step that it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.named: Named = {}
        self._card, self._list, self._words = "", False, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("id", "").startswith("choice-"):
            self._card = given["id"].removeprefix("choice-")
            self.named[self._card] = []
        if tag == "ul" and given.get("class") == "fields":
            self._list = True
        if tag == "li":
            self._words = []

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "ul":
            self._list = False
        if tag == "li" and self._list:
            said = " ".join("".join(self._words).split())
            found = re.fullmatch(r"(.*) \(only if you choose “(.*)”\)", said)
            self.named[self._card].append((found[1], found[2]) if found else (said, ""))


def whole_bank() -> FakeBank:
    """Return a bank that fills in every field that there is."""
    place = Place("US", "Oregon", "Portland", "97201", "12 Main Street", Decimal("45.52"), Decimal("-122.68"))
    return FakeBank(
        own_accounts=[
            BankAccount(
                "ref-1", "Current", "My own", "••1111", OpenStatus.OPEN, "CRED_AND_CHRG_CARDS", "USD", is_joint=False
            )
        ],
        own_balances=[BankBalance("ref-1", *map(Decimal, ("1", "2", "3", "4")), "USD", NOON)],
        own_transactions=[
            BankTransaction(
                account_ref="ref-1",
                ref="t-1",
                type=TransactionType.PAYMENT,
                status=TransactionStatus.POSTED,
                description="Bakery",
                posted_at=NOON,
                executed_at=NOON,
                amount=Decimal("-4.20"),
                currency="USD",
                reference=None,
                merchant_name="Bakery",
                merchant_category_code="5462",
            )
        ],
        own_card_uses=[CardUse("ref-1", "u-1", NOON, Channel.IN_STORE, "5462", place, "terminal")],
        own_alerts=[
            BankAlert("ref-1", "fa-1", AlertKind.CARD_PAYMENT, NOON, Decimal("4.20"), "USD", "Bakery", "5462", "US")
        ],
    )


def everything(world: World, grant: Grant) -> dict[str, list[Record]]:
    """Return what the bank sends of each category, before anything is cut."""
    pairwise = PairwiseIds(KEY)
    found = {}
    for name in world.services.catalogue.categories:
        access = BankAccess("hb-1", Credential("a", "r", NOON), "i", name, lambda old: old, None)  # type: ignore[arg-type]  # no renewal here
        announced = (
            Announcement("alert-1", "fa-1", 3, NOON) if world.services.catalogue.categories[name].pushed else None
        )
        wanted = Wanted(name, announced=announced)
        found[name] = fetched(whole_bank(), pairwise, grant, wanted, access=access, window=SPAN)
    return found


def steps(term: CategoryTerm) -> Iterator[CategoryTerm]:
    """Yield the term with every step up to its own."""
    details = DETAIL_ORDER[: DETAIL_ORDER.index(term.detail) + 1] if term.detail else (None,)
    precisions = PRECISION_ORDER[: PRECISION_ORDER.index(term.precision) + 1] if term.precision else (None,)
    for detail, precision in product(details, precisions):
        yield replace(term, detail=detail, precision=precision)


def most(category: Category, detail: Detail, precision: Precision) -> CategoryTerm:
    return CategoryTerm(category.name, detail if category.details else None, precision if category.precisions else None)


def requests(catalogue: Catalogue) -> Iterator[tuple[CategoryTerm, ...]]:
    """Yield every combination of categories, with every detail and precision that can be asked for."""
    names = list(catalogue.categories)
    subsets = chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1))
    for subset in subsets:
        asked = {
            tuple(most(catalogue.categories[name], detail, precision) for name in subset)
            for detail, precision in product(Detail, Precision)
        }
        yield from asked


def page_of(world: World, catalogue: Catalogue, grant: Grant) -> Named:
    """Render the categories of the page for a request and read what it names."""
    offer = offer_of(catalogue, grant, [], NOON)
    card = world.app.jinja_env.get_template("macros/consent.html").module.offered_category  # type: ignore[attr-defined]  # a macro
    reader = _Fields()
    reader.feed("".join(card(one, "Messenger", None, False) for one in offer.categories))
    return reader.named


def promised(category: Category, named: list[tuple[str, str]], chosen: CategoryTerm) -> list[str]:
    """Return the labels that the page promises for a chosen step: those without a step, and those of lower ones."""
    titles = [*category.details.values(), *category.precisions.values()]
    order = [*category.details, *category.precisions]
    own = chosen.detail or chosen.precision
    return sorted(label for label, step in named if not step or titles.index(step) <= order.index(own))  # type: ignore[arg-type]  # it has steps


def released(catalogue: Catalogue, grant: Grant, chosen: CategoryTerm, records: list[Record]) -> list[str]:
    """Return the labels of what leaves, by the words of the policies; a field without words has none to be named by."""
    category = catalogue.categories[chosen.name]
    granted = replace(grant, categories=(GrantedCategory(chosen, ClusterState.ACTIVE, 0, None),))
    question = example_question(category.questions, records, SPAN.oldest_at, NOON) if category.questions else None
    (cut,) = minimised(catalogue, granted, Wanted(chosen.name, question=question), records, SPAN)
    labels = {field.name: field.label for field in category.fields}
    return sorted(labels.get(name, name) for name in cut)


def differences(
    world: World, shown: Catalogue, leaving: Catalogue, sent: dict[str, list[Record]]
) -> tuple[int, set[str]]:
    """Hold every page against every release that it could lead to; return how many, and what differs.

    The page follows one catalogue and the release another, so that a fault can be planted in either.
    """
    base = world.grant(world.proposes(world.terms()))
    account = GrantedAccount("acc-1", "ref-1", "Current ••1111", ClusterState.ACTIVE)
    count, differing = 0, set[str]()
    with world.app.test_request_context():
        for asked in requests(shown):
            grant = replace(base, terms=replace(base.terms, categories=asked), accounts=(account,))
            named = page_of(world, shown, grant)
            assert list(named) == [term.name for term in asked]
            for term in asked:
                for chosen in steps(term):
                    count += 1
                    told = promised(shown.categories[term.name], named[term.name], chosen)
                    left = released(leaving, grant, chosen, sent[term.name])
                    differing |= {f"{term.name}: {label}" for label in set(told) ^ set(left)}
                    differing |= {f"{term.name}: twice"} if len(told) != len(set(told)) else set()
    return count, differing


@pytest.fixture
def sent(world: World, maya: Browser) -> dict[str, list[Record]]:
    assert maya.get("/my-sharing").status_code == 200
    account = GrantedAccount("acc-1", "ref-1", "Current ••1111", ClusterState.ACTIVE)
    return everything(world, replace(world.grant(world.proposes()), accounts=(account,)))


def previewed(
    world: World, sent: dict[str, list[Record]], language: str
) -> Iterator[tuple[Record, tuple[tuple[str, str], ...]]]:
    """Yield, for every category and step, the record that would leave and the pairs that its preview shows."""
    catalogue = world.services.catalogue
    base = replace(
        world.grant(world.proposes()),
        accounts=(GrantedAccount("acc-1", "ref-1", "Current ••1111", ClusterState.ACTIVE),),
    )
    with world.app.test_request_context(headers={"Accept-Language": language}):
        for name, records in sent.items():
            category = catalogue.categories[name]
            for chosen in steps(most(category, Detail.DETAIL, Precision.EXACT)):
                granted = replace(base, categories=(GrantedCategory(chosen, ClusterState.ACTIVE, 0, None),))
                rules = category.questions
                question = example_question(rules, records, SPAN.oldest_at, NOON) if rules else None
                (cut,) = minimised(catalogue, granted, Wanted(name, question=question), records, SPAN)
                yield (
                    cut,
                    shown(Preview(name, (plain(cut),), 1), catalogue.in_language(language).categories[name]).records[0],
                )


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_preview_shows_exactly_the_fields_that_leave_and_no_code_in_their_place(
    world: World, sent: dict[str, list[Record]], language: str
) -> None:
    spoken = world.services.catalogue.in_language(language)
    labels = [{field.name: field.label for field in category.fields} for category in spoken.categories.values()]
    count = 0
    for cut, pairs in previewed(world, sent, language):
        count += 1
        assert [label for label, _ in pairs] in [[of.get(name) for name in cut] for of in labels]
        assert [value for _, value in pairs if CODE.fullmatch(value)] == []
    assert count == len(sent) + 1 + 3, "transactions have two steps, card places four"


def test_every_kind_that_banks_can_name_has_words() -> None:
    kinds = {"openStatus": OpenStatus, "type": TransactionType, "status": TransactionStatus, "kind": AlertKind}
    assert {name: set(KINDS[name]) for name in kinds} == {name: set(kind) for name, kind in kinds.items()}
    assert set(KINDS["channel"]) == set(Channel)
    assert set(KINDS["answer"]) == set(Answer)


def changed(catalogue: Catalogue, name: str, fields: tuple[Field, ...]) -> Catalogue:
    category = replace(catalogue.categories[name], fields=fields)
    return replace(catalogue, categories={**catalogue.categories, name: category})


def test_what_leaves_is_what_the_page_names_in_every_combination(world: World, sent: dict[str, list[Record]]) -> None:
    catalogue = world.services.catalogue
    assert all(len(records) == 1 for records in sent.values())
    count, differing = differences(world, catalogue, catalogue, sent)
    assert differing == set()
    assert count > 1_000


@pytest.mark.control
@pytest.mark.parametrize("name", ["balances", "transactions", "card_locations", "balance_answers", "fraud_alerts"])
def test_a_field_that_the_page_leaves_out_would_be_found(
    world: World, sent: dict[str, list[Record]], name: str
) -> None:
    catalogue = world.services.catalogue
    kept = catalogue.categories[name].fields
    _, differing = differences(world, changed(catalogue, name, kept[:-1]), catalogue, sent)
    assert differing == {f"{name}: {kept[-1].label}"}


@pytest.mark.control
def test_a_field_that_leaves_unnamed_would_be_found(world: World, sent: dict[str, list[Record]]) -> None:
    catalogue = world.services.catalogue
    more = (*catalogue.categories["balances"].fields, Field("sortCode", "the sort code"))
    told: dict[str, Any] = {**sent, "balances": [{**record, "sortCode": "40-00-01"} for record in sent["balances"]]}
    assert differences(world, catalogue, catalogue, told)[1] == set(), "what no list names never leaves"
    assert differences(world, catalogue, changed(catalogue, "balances", more), told)[1] == {"balances: the sort code"}


@pytest.mark.control
def test_a_finer_field_in_a_coarser_step_would_be_found(world: World, sent: dict[str, list[Record]]) -> None:
    catalogue = world.services.catalogue
    loose = tuple(replace(field, from_precision=None) for field in catalogue.categories["card_locations"].fields)
    _, differing = differences(world, catalogue, changed(catalogue, "card_locations", loose), sent)
    assert differing == {"card_locations: the latitude", "card_locations: the longitude"}
