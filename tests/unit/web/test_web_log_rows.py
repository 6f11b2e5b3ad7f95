"""The steps of one access on one line: nothing is lost, and nothing an app chooses can hide an access."""

import itertools

import pytest
from web_world import Browser, World

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.errors import ReleaseRefused
from broker.release import Call, Rendered, Wanted
from broker.web.log_rows import paired
from tests.support.logged import logged

ASKED, GOT, REFUSED, FAILED = (
    Event.ACCESS_REQUESTED,
    Event.ACCESS_RELEASED,
    Event.ACCESS_REFUSED,
    Event.ACCESS_FAILED,
)


def newest_first(*events: Event, interaction: str | None = "one-id", category: str = "balances") -> list[LoggedEntry]:
    """Lay out entries in the order in which they happened, and return them as the log is read."""
    entries = [
        logged(event, number=number, category=category, interaction_id=interaction)
        for number, event in enumerate(events)
    ]
    return entries[::-1]


def shape(entries: list[LoggedEntry]) -> list[list[Event]]:
    return [[entry.event for entry in group] for group in paired(entries)]


def test_a_release_and_its_request_are_one_line() -> None:
    assert shape(newest_first(ASKED, GOT)) == [[GOT, ASKED]]


def test_many_accesses_under_one_id_are_many_lines() -> None:
    assert shape(newest_first(*[ASKED, GOT] * 10, REFUSED)) == [[REFUSED], *[[GOT, ASKED]] * 10]


@pytest.mark.parametrize("refused_at", [0, 2, 4])
def test_a_refusal_at_once_takes_no_other_access_away(refused_at: int) -> None:
    events = [ASKED, GOT, ASKED, GOT]
    events.insert(refused_at, REFUSED)
    groups = shape(newest_first(*events))
    assert sorted(groups) == sorted([[REFUSED], [GOT, ASKED], [GOT, ASKED]])


def test_a_request_without_an_outcome_stands_alone() -> None:
    assert shape(newest_first(ASKED, ASKED, GOT)) == [[GOT, ASKED], [ASKED]]


def test_requests_of_other_categories_and_of_no_id_do_not_join() -> None:
    mixed = [*newest_first(GOT), *newest_first(ASKED, category="accounts")]
    assert shape(mixed) == [[GOT], [ASKED]]
    assert shape(newest_first(ASKED, GOT, interaction=None)) == [[GOT], [ASKED]]


def test_no_entry_is_ever_lost_and_no_outcome_shares_a_line() -> None:
    kinds = (ASKED, GOT, REFUSED, FAILED, Event.ACCOUNTS_LISTED)
    for events in itertools.chain.from_iterable(itertools.product(kinds, repeat=n) for n in range(6)):
        entries = newest_first(*events)
        groups = paired(entries)
        assert sorted(entry.number for group in groups for entry in group) == list(range(len(entries)))
        assert all(entry.event is ASKED for group in groups for entry in group[1:])
        assert [group[0].number for group in groups] == sorted((group[0].number for group in groups), reverse=True)


def test_history_shows_every_access_that_an_app_gave_the_same_id(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    before = maya.get("/history").text.count("<details>")
    both = frozenset({"accounts", "transactions"})
    call = Call(
        grant_id, "messenger", both, "00000000-0000-4000-8000-000000000000", "GET /v1/accounts", is_attended=True
    )
    for _ in range(10):
        world.services.release.read(call, Wanted("accounts"), lambda records, _: Rendered(b"{}", len(records)))
    with pytest.raises(ReleaseRefused):
        world.services.release.read(call, Wanted("transactions"), lambda records, _: Rendered(b"{}", len(records)))
    assert maya.get("/history").text.count("<details>") == before + 11
