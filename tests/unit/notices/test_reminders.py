"""What time brings is told once: an end that comes near, and every 90 days what is shared."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.cli.worker import run_once
from broker.grants.reminders import remind
from broker.grants.service import Part
from tests.support.core import ASKED, House
from tests.support.edge import services_of
from tests.support.notified import People


def lasting(house: House, days: int) -> str:
    return house.approved(("balances",), terms=replace(ASKED, duration_days=days))


def passes(people: People, days: float) -> None:
    people.house.watch.passes(days=days)
    run_once(services_of(people.house))
    run_once(services_of(people.house))


def endings(people: People) -> list[int]:
    return [one.notice.facts["days"] for one in people.inbox() if one.notice.what == "ending"]


def test_an_end_is_told_30_and_7_days_before_once_each(people: People) -> None:
    lasting(people.house, 90)
    told = []
    for days in (50, 10, 10, 10, 4, 3):
        passes(people, days)
        told.append(endings(people))
    assert told == [[], [30], [30], [30], [7, 30], [7, 30]]


@pytest.mark.parametrize(("days", "told"), [(13, []), (14, [7]), (59, [7]), (60, [7, 30])])
def test_a_short_permission_is_told_of_its_end_when_there_is_time(people: People, days: int, told: list[int]) -> None:
    lasting(people.house, days)
    for left in (30, 7):
        if days > left:
            passes(people, _left(people) - left)
    assert endings(people) == told


def _left(people: People) -> float:
    with people.house.database.read() as session:
        (grant,) = people.house.reader.of_user(session, people.house.alice.user_id, people.house.watch())
    return (grant.expires_at - people.house.watch()) / timedelta(days=1)


def test_a_worker_that_was_away_tells_the_nearer_end_alone(people: People) -> None:
    lasting(people.house, 90)
    passes(people, 85)
    assert endings(people) == [7]


def test_the_day_stands_in_the_title_in_the_persons_language(people: People) -> None:
    lasting(people.house, 90)
    passes(people, 84)
    (ending,) = [one for one in people.reads() if "ends on" in one.title]
    assert ending.title == "Your permission for Messenger ends on 20 February 2027"
    assert "Su permiso para Messenger termina el 20 de febrero de 2027" in [one.title for one in people.reads("es")]


def test_a_permission_that_has_ended_is_not_told_of(people: People) -> None:
    people.house.grants.revoke(people.house.alice, lasting(people.house, 90), Part())
    passes(people, 84)
    assert endings(people) == []


def test_what_is_shared_is_told_every_90_days_as_long_as_it_is(people: People) -> None:
    grant_id = lasting(people.house, 365)
    told = []
    for days in (89, 1, 89, 1):
        passes(people, days)
        told.append(people.told().count("reminder"))
    assert told == [0, 1, 1, 2]
    assert "Messenger (Harbor Bank)" in people.reads()[0].text
    people.house.grants.revoke(people.house.alice, grant_id, Part())
    passes(people, 91)
    assert people.told().count("reminder") == 2


def test_a_round_looks_every_ten_minutes_and_no_sooner(people: People) -> None:
    passes(people, 0)
    lasting(people.house, 90)
    people.house.watch.passes(days=84)
    with people.house.database.write() as session:
        assert remind(session, people.house.watch()) is False
    assert endings(people) == [7]
    lasting(people.house, 90)
    with people.house.database.write() as session:
        remind(session, people.house.watch() + timedelta(minutes=9))
    assert endings(people) == [7]
