"""Pushing: each event reaches its receiver, those of a grant in their order, whatever the receiver does."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.errors import NotFound
from broker.events.leases import LEASE, take
from broker.events.letters import letters, replay
from broker.events.outcomes import MOST_REFUSALS, Outcome, Result, record, wait
from broker.events.retention import forget_old_deliveries
from broker.events.streams import remove, set_status
from broker.events.verification import verify
from broker.events.vocabulary import DeliveryState, StreamStatus
from broker.grants.service import Part
from tests.support.core import House, registered
from tests.support.pushed import HEADER, ISSUER, Line, open_line
from tests.support.serving import wait_until

WHOLE = Part()


def lives(house: House, times: int = 3) -> str:
    """Let a grant have a history: approved, then paused and resumed in turn."""
    grant = house.approved()
    for number in range(times - 1):
        act = house.grants.resume if number % 2 else house.grants.pause
        act(house.alice, grant, WHOLE)
    return grant


def test_events_of_a_grant_come_in_their_order_each_once(house: House, line: Line) -> None:
    one, other = lives(house, 5), lives(house, 4)
    line.pushes()
    assert line.taken(one) == [1, 2, 3, 4, 5]
    assert line.taken(other) == [1, 2, 3, 4]
    assert len(line.receiver.seen) == 9
    assert set(line.states()) == {"taken"}


@pytest.mark.any_database
def test_a_token_says_who_it_is_from_for_whom_it_is_and_what_has_happened(house: House, line: Line) -> None:
    grant = lives(house, 1)
    line.pushes()
    (seen,) = line.receiver.seen
    claims = seen["claims"]
    assert (seen["problems"], seen["path"]) == ([], "/events")
    assert set(claims) == {"iss", "aud", "iat", "jti", "sub_id", "events"}
    assert (claims["iss"], claims["aud"]) == (ISSUER, "messenger")
    assert claims["sub_id"] == {"format": "opaque", "id": grant}
    assert list(claims["events"]) == ["urn:consent-broker:event:grant-changed"]


@pytest.mark.any_database
def test_the_header_of_a_stream_is_sealed_where_it_is_stored(house: House, line: Line) -> None:
    lives(house)
    line.pushes()
    assert len(line.receiver.seen) == 3  # the receiver wants the header
    assert HEADER.encode() not in house.stored_bytes()


def test_a_slow_receiver_with_much_to_take_keeps_nobody_else_waiting(house: House, line: Line) -> None:
    line.behaves("slow", seconds=0.1)
    for _ in range(30):
        house.approved()
    with house.database.write() as session:
        session.add(registered("other"))
    with open_line(house, "other") as other:
        with house.database.write() as session:
            verify(session, "other", other.stream.id, "here?", house.watch())
        lanes = threading.Thread(target=line.pusher(other.place, lanes=1).run, args=[line.stopping])
        lanes.start()
        wait_until(lambda: bool(other.receiver.seen))
        line.stopping.set()
        lanes.join()
    assert len(line.receiver.seen) < 30


def test_a_receiver_that_was_down_for_a_day_gets_everything_in_order_within_two_minutes(
    house: House, line: Line
) -> None:
    line.behaves("status", status=503)
    grants = [lives(house, 4) for _ in range(3)]
    for _ in range(30):
        line.pushes(minutes=48)
    assert set(line.states()) == {"waiting"}
    assert len(line.receiver.seen) <= 40  # one at a time tries how it is
    line.receiver.seen.clear()
    line.behaves("take")
    line.pushes(seconds=60)
    line.pushes(seconds=60)
    assert [line.taken(grant) for grant in grants] == [[1, 2, 3, 4]] * 3
    assert set(line.states()) == {"taken"}


@pytest.mark.any_database
def test_what_is_tried_again_is_the_same_event(house: House, line: Line) -> None:
    line.behaves("status", status=500)
    lives(house, 1)
    line.pushes()
    line.behaves("take")
    line.pushes(seconds=60)
    first, second = line.receiver.seen
    assert first["claims"] == second["claims"]


@pytest.mark.any_database
def test_nothing_of_a_grant_is_sent_before_the_earlier_event_was_taken(house: House, line: Line) -> None:
    line.behaves("status", status=500)
    grant = lives(house, 3)
    for _ in range(4):
        line.pushes(minutes=2)
    assert {event["sequence"] for event in line.came()} == {1}
    line.behaves("take")
    line.pushes(minutes=2)
    assert line.taken(grant) == [1, 2, 3]


@pytest.mark.any_database
@pytest.mark.parametrize("status", [200, 204, 404, 429, 503])
def test_only_202_says_that_an_event_was_taken(house: House, line: Line, status: int) -> None:
    line.behaves("status", status=status)
    lives(house, 1)
    line.pushes()
    (row,) = line.rows()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert row.error
    line.behaves("take")
    line.pushes(seconds=60)
    assert line.states() == ["taken"]


def test_what_is_refused_again_and_again_is_given_up_and_the_rest_goes_on_and_says_so(house: House, line: Line) -> None:
    line.behaves("refuse", err="invalid_key", description="no such\nkey <b>")
    grant = lives(house, 3)
    for _ in range(MOST_REFUSALS - 1):
        line.pushes(minutes=2)
    assert line.states() == ["waiting", "waiting", "waiting"]
    line.house.runs("UPDATE event_deliveries SET refusals = 7 WHERE sequence = 1")
    line.house.watch.passes(minutes=2)
    line.pusher().push_batch(line.stream.id, line.stopping)
    assert line.states() == ["dead", "waiting", "waiting"]
    assert line.rows()[0].error == "invalid_key: no such·key <b>"
    line.behaves("take")
    line.pushes(minutes=2)
    assert line.taken(grant) == [2, 3]
    assert [event.get("undelivered_before") for event in line.came()[-2:]] == [True, True]


@pytest.mark.any_database
def test_a_dead_letter_is_seen_and_can_be_sent_again(house: House, line: Line) -> None:
    grant = lives(house, 1)
    house.runs("UPDATE event_deliveries SET state = 'dead'")
    house.watch.passes(days=20)
    with house.database.write() as session:
        (letter,) = letters(session, receiver="messenger", state=DeliveryState.DEAD)
        assert (letter.grant_id, letter.what) == (grant, "approved")
        assert replay(session, [letter.jti], "messenger", house.watch()) == 1
    with house.database.write() as session:
        forget_old_deliveries(session, house.watch())
    line.pushes()
    assert line.taken(grant) == [1]


@pytest.mark.any_database
def test_a_dead_letter_goes_into_the_stream_that_the_receiver_has_now(house: House, line: Line) -> None:
    grant = lives(house, 1)
    house.runs("UPDATE event_deliveries SET state = 'dead'")
    line.has_another_stream()
    house.grants.pause(house.alice, grant, WHOLE)
    with house.database.write() as session:
        assert replay(session, None, None, house.watch()) == 1
    line.pushes()
    assert line.taken(grant) == [1, 2]


@pytest.mark.any_database
def test_a_dead_letter_of_a_receiver_without_a_stream_stays_one(house: House, line: Line) -> None:
    lives(house, 1)
    house.runs("UPDATE event_deliveries SET state = 'dead'")
    with house.database.write() as session:
        remove(session, "messenger", line.stream.id)
        assert replay(session, None, "messenger", house.watch()) == 0
        with pytest.raises(NotFound, match="no stream"):
            replay(session, [line.rows()[0].jti], "messenger", house.watch())
    assert line.states() == ["dead"]


@pytest.mark.any_database
def test_what_a_lost_worker_held_for_a_week_is_given_up_too(house: House, line: Line) -> None:
    lives(house, 1)
    with house.database.write() as session:
        assert take(session, line.stream.id, house.watch(), 9)
    house.watch.passes(days=8)
    with house.database.write() as session:
        forget_old_deliveries(session, house.watch())
    assert line.states() == ["dead"]


@pytest.mark.any_database
def test_what_nobody_takes_for_a_week_is_given_up_and_old_letters_are_forgotten(house: House, line: Line) -> None:
    lives(house, 1)
    for days, left in ((6, ["waiting"]), (2, ["dead"]), (90, [])):
        house.watch.passes(days=days)
        with house.database.write() as session:
            forget_old_deliveries(session, house.watch())
        assert line.states() == left


@pytest.mark.any_database
def test_what_was_taken_is_forgotten_after_a_month(house: House, line: Line) -> None:
    lives(house, 2)
    line.pushes()
    for days, left in ((29, ["taken", "taken"]), (2, [])):
        house.watch.passes(days=days)
        with house.database.write() as session:
            forget_old_deliveries(session, house.watch())
        assert line.states() == left


@pytest.mark.any_database
def test_no_redirect_is_followed(house: House, line: Line) -> None:
    line.behaves("redirect", to=line.receiver.url.replace("/events", "/trap"))
    lives(house, 1)
    line.pushes()
    assert [one["path"] for one in line.receiver.seen] == ["/events"]
    assert line.rows()[0].error == "The receiver answered with a redirect or an unknown status."


@pytest.mark.any_database
def test_a_private_address_that_the_operator_has_not_listed_is_not_called(house: House, line: Line) -> None:
    lives(house, 1)
    line.pushes(line.pusher(is_allowed=False))
    assert line.receiver.seen == []
    assert line.rows()[0].error == "The broker does not call this address."


@pytest.mark.any_database
def test_a_slow_receiver_is_given_up_for_now(house: House, line: Line) -> None:
    line.behaves("slow", seconds=0.6)
    lives(house, 1)
    line.pushes(line.pusher(timeout_s=0.2))
    assert (line.states(), line.rows()[0].error) == (["waiting"], "The receiver did not answer in time.")


def test_several_workers_send_nothing_twice_and_nothing_out_of_order(house: House, line: Line) -> None:
    grants = [lives(house, 4) for _ in range(5)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(line.pushes, line.pusher()) for _ in range(4)]:
            done.result()
    line.pushes()
    assert [line.taken(grant) for grant in grants] == [[1, 2, 3, 4]] * 5
    assert len(line.receiver.seen) == 20


@pytest.mark.any_database
def test_what_a_worker_held_when_it_died_is_sent_by_another(house: House, line: Line) -> None:
    grant = lives(house, 2)
    with house.database.write() as session:
        assert len(take(session, line.stream.id, house.watch(), 8)) == 1
    line.pushes()
    assert line.receiver.seen == []
    line.pushes(seconds=LEASE.total_seconds())
    assert line.taken(grant) == [1, 2]


@pytest.mark.any_database
def test_a_worker_that_comes_back_late_changes_nothing_of_what_another_does(house: House, line: Line) -> None:
    lives(house, 1)
    with house.database.write() as session:
        (old,) = take(session, line.stream.id, house.watch(), 8)
    house.watch.passes(seconds=LEASE.total_seconds())
    with house.database.write() as session:
        (new,) = take(session, line.stream.id, house.watch(), 8)
        record(session, [Outcome(old, Result.REFUSED, "late")], now=house.watch(), wall=house.watch())
    (row,) = line.rows()
    assert (row.state, row.refusals, row.leased_until) == ("waiting", 0, new.leased_until)
    with house.database.write() as session:
        record(session, [Outcome(new, Result.TAKEN)], now=house.watch(), wall=house.watch())
    assert line.states() == ["taken"]


@pytest.mark.any_database
def test_a_paused_stream_keeps_its_events_and_says_that_it_is_paused(house: House, line: Line) -> None:
    grant = lives(house, 2)
    _becomes(line, StreamStatus.PAUSED)
    line.pushes()
    assert line.came() == [{"status": "paused", "reason": "closed"}]
    assert line.receiver.seen[0]["claims"]["sub_id"] == {"format": "opaque", "id": line.stream.id}
    _becomes(line, StreamStatus.ENABLED)
    line.pushes()
    assert line.taken(grant) == [1, 2]


@pytest.mark.any_database
def test_of_a_disabled_stream_nothing_is_kept(house: House, line: Line) -> None:
    grant = lives(house, 2)
    _becomes(line, StreamStatus.DISABLED)
    house.grants.resume(house.alice, grant, WHOLE)
    _becomes(line, StreamStatus.ENABLED)
    house.watch.passes(seconds=1)
    house.grants.revoke(house.alice, grant, WHOLE)
    line.pushes()
    assert [event.get("status") or event["sequence"] for event in line.came()] == ["enabled", 4]
    assert line.taken(grant) == [4]


@pytest.mark.any_database
def test_a_running_worker_sends_within_two_seconds_and_ends_when_it_is_told_to(house: House, line: Line) -> None:
    thread = threading.Thread(target=line.pusher().run, args=[line.stopping])
    thread.start()
    try:
        grant = lives(house, 3)
        deadline = threading.Event()
        for _ in range(100):
            if line.taken(grant) == [1, 2, 3]:
                break
            deadline.wait(0.1)
    finally:
        line.stopping.set()
        thread.join(10)
    assert line.taken(grant) == [1, 2, 3]
    assert not thread.is_alive()


def test_the_pauses_begin_with_a_second_and_end_with_a_minute() -> None:
    assert [wait(failures).total_seconds() for failures in (1, 2, 3, 6, 7, 5_000)] == [1, 2, 4, 32, 60, 60]


def _becomes(line: Line, status: StreamStatus) -> None:
    line.house.watch.passes(seconds=1)
    with line.house.database.write() as session:
        set_status(session, "messenger", line.stream.id, status, reason="closed", now=line.house.watch())


@pytest.mark.any_database
def test_an_event_that_fails_again_and_again_keeps_no_other_from_its_receiver(house: House, line: Line) -> None:
    stuck, others = lives(house, 1), []
    line.receiver.behaviour = {"how": "take", "but": stuck, "status": 500}
    for _ in range(6):
        others.append(lives(house, 2))
        for _ in range(4):
            line.pushes(seconds=40)
    assert [line.taken(grant) for grant in others] == [[1, 2]] * 6
    assert line.taken(stuck) == []
