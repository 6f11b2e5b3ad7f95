"""Every act on a grant in every state, and what an act leaves behind."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from broker.errors import BrokerError, ConsentRefused, LogUnavailable, NotFound
from broker.events import outbox
from broker.grants.acts import Actor
from broker.grants.service import Part
from broker.policy.vocabulary import ClusterState, GrantStatus
from tests.support.core import House

WHOLE, CATEGORY, ACCOUNT = Part(), Part(category="balances"), Part(account_id="acc-1")
ENDED = "grant-ended"
UNCHANGED = "grant-unchanged"


def _revoked(house: House) -> str:
    grant_id = house.approved()
    house.grants.revoke(house.alice, grant_id, WHOLE)
    return grant_id


def _paused(house: House) -> str:
    grant_id = house.approved()
    house.grants.pause(house.alice, grant_id, WHOLE)
    return grant_id


def _refused(house: House) -> str:
    grant_id = house.proposed()
    house.consents.refuse(house.alice, grant_id)
    return grant_id


def _expired(house: House) -> str:
    grant_id = house.approved()
    house.watch.passes(days=90)
    return grant_id


def _unclaimed(house: House) -> str:
    grant_id = house.approved(is_claimed=False)
    house.watch.passes(minutes=10)
    return grant_id


def _stale_proposal(house: House) -> str:
    grant_id = house.proposed()
    house.watch.passes(minutes=10)
    return grant_id


STATES: dict[str, Callable[[House], str]] = {
    "proposed": House.proposed,
    "stale proposal": _stale_proposal,
    "active": House.approved,
    "paused": _paused,
    "revoked": _revoked,
    "expired": _expired,
    "unclaimed": _unclaimed,
    "refused": _refused,
}
# What each act answers: None means that it is done; otherwise the code of the refusal.
WHOLE_TABLE: dict[str, dict[str, str | None]] = {
    "proposed": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
    "stale proposal": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
    "active": {"pause": None, "resume": UNCHANGED, "revoke": None},
    "paused": {"pause": UNCHANGED, "resume": None, "revoke": None},
    "revoked": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
    "expired": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
    "unclaimed": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
    "refused": {"pause": ENDED, "resume": ENDED, "revoke": ENDED},
}
AFTER = {"pause": GrantStatus.PAUSED, "resume": GrantStatus.ACTIVE, "revoke": GrantStatus.REVOKED}
CASES = [(state, act, code) for state, row in WHOLE_TABLE.items() for act, code in row.items()]


@pytest.mark.parametrize(("state", "act", "code"), CASES, ids=str)
def test_an_act_on_a_whole_grant_is_done_or_refused_as_the_table_says(
    house: House, state: str, act: str, code: str | None
) -> None:
    grant_id = STATES[state](house)
    before, size = house.grant(grant_id).status, len(house.events())
    if code is None:
        getattr(house.grants, act)(house.alice, grant_id, WHOLE)
        assert house.grant(grant_id).status is AFTER[act]
        assert (
            house.events()[-1] == {"pause": "grant.paused", "resume": "grant.resumed", "revoke": "grant.revoked"}[act]
        )
        assert len(house.events()) == size + 1
    else:
        with pytest.raises(ConsentRefused) as refusal:
            getattr(house.grants, act)(house.alice, grant_id, WHOLE)
        assert refusal.value.code == code
        assert house.grant(grant_id).status is before
        assert len(house.events()) == size


@pytest.mark.any_database
@pytest.mark.parametrize("part", [CATEGORY, ACCOUNT], ids=["category", "account"])
@pytest.mark.parametrize("state", [state for state in STATES if state not in {"active", "paused"}])
@pytest.mark.parametrize("act", list(AFTER))
def test_a_part_of_a_grant_that_is_not_live_cannot_be_changed(house: House, state: str, act: str, part: Part) -> None:
    grant_id = STATES[state](house)
    size = len(house.events())
    with pytest.raises(ConsentRefused, match=ENDED):
        getattr(house.grants, act)(house.alice, grant_id, part)
    assert len(house.events()) == size


PART_TABLE: list[tuple[tuple[str, ...], str, str | None]] = [
    ((), "pause", None),
    ((), "resume", UNCHANGED),
    ((), "revoke", None),
    (("pause",), "pause", UNCHANGED),
    (("pause",), "resume", None),
    (("pause",), "revoke", None),
    (("revoke",), "pause", UNCHANGED),
    (("revoke",), "resume", UNCHANGED),
    (("revoke",), "revoke", UNCHANGED),
    (("pause", "resume"), "revoke", None),
]


@pytest.mark.any_database
@pytest.mark.parametrize("part", [CATEGORY, ACCOUNT], ids=["category", "account"])
@pytest.mark.parametrize("whole", ["active", "paused"])
@pytest.mark.parametrize(("first", "act", "code"), PART_TABLE, ids=str)
def test_an_act_on_a_part_is_done_or_refused_as_the_table_says(
    house: House, part: Part, whole: str, first: tuple[str, ...], act: str, code: str | None
) -> None:
    grant_id = STATES[whole](house)
    for step in first:
        getattr(house.grants, step)(house.alice, grant_id, part)
    if code is None:
        getattr(house.grants, act)(house.alice, grant_id, part)
    else:
        with pytest.raises(ConsentRefused, match=code):
            getattr(house.grants, act)(house.alice, grant_id, part)
    steps = [*first, *([act] if code is None else [])]
    assert _state(house, grant_id, part) is _after(steps)
    assert house.grant(grant_id).status is (GrantStatus.ACTIVE if whole == "active" else GrantStatus.PAUSED)


def _after(steps: list[str]) -> ClusterState:
    words = {"pause": ClusterState.PAUSED, "resume": ClusterState.ACTIVE, "revoke": ClusterState.REVOKED}
    return words[steps[-1]] if steps else ClusterState.ACTIVE


def _state(house: House, grant_id: str, part: Part) -> ClusterState:
    grant = house.grant(grant_id)
    if part.category is not None:
        category = grant.category(part.category)
        assert category is not None
        return category.state
    return next(account.state for account in grant.accounts if account.account_id == part.account_id)


def test_acts_on_parts_are_logged_under_their_own_names(house: House) -> None:
    grant_id = house.approved()
    house.grants.pause(house.alice, grant_id, CATEGORY)
    house.grants.resume(house.alice, grant_id, CATEGORY)
    house.grants.revoke(house.alice, grant_id, CATEGORY)
    house.grants.revoke(house.alice, grant_id, ACCOUNT)
    assert house.events(4) == ["grant.paused", "grant.resumed", "grant.category_revoked", "grant.account_removed"]
    assert [entry.category for entry in house.log()[-4:]] == ["balances", "balances", "balances", None]


@pytest.mark.any_database
@pytest.mark.parametrize("act", list(AFTER))
@pytest.mark.parametrize("part", [WHOLE, CATEGORY, ACCOUNT], ids=["whole", "category", "account"])
def test_somebody_elses_grant_answers_like_an_unknown_one(house: House, act: str, part: Part) -> None:
    grant_id = house.approved()
    mallory = Actor(house.signs_in("sub-mallory").user_id, "1" * 8)
    answers = []
    for actor, name in ((mallory, grant_id), (house.alice, "no-such-grant")):
        with pytest.raises(NotFound) as refusal:
            getattr(house.grants, act)(actor, name, part)
        answers.append(str(refusal.value))
    assert answers[0] == answers[1]
    assert house.grant(grant_id).status is GrantStatus.ACTIVE


@pytest.mark.any_database
@pytest.mark.parametrize(
    "part", [Part(category="no_such"), Part(account_id="acc-9"), Part(category="balances", account_id="acc-1")], ids=str
)
@pytest.mark.parametrize("act", list(AFTER))
def test_a_part_that_the_grant_does_not_have_is_not_found(house: House, act: str, part: Part) -> None:
    with pytest.raises(NotFound):
        getattr(house.grants, act)(house.alice, house.approved(), part)


@pytest.mark.parametrize(
    "parts",
    [
        [Part(category=name) for name in ("accounts", "balances", "transactions", "card_locations")],
        [Part(account_id=name) for name in ("acc-1", "acc-2")],
    ],
    ids=["categories", "accounts"],
)
def test_ending_the_last_part_ends_the_grant(house: House, parts: list[Part]) -> None:
    grant_id = house.approved()
    for part in parts[:-1]:
        house.grants.revoke(house.alice, grant_id, part)
        assert house.grant(grant_id).status is GrantStatus.ACTIVE
    house.grants.pause(house.alice, grant_id, parts[-1])
    house.grants.revoke(house.alice, grant_id, parts[-1])
    grant = house.grant(grant_id)
    assert (grant.status, grant.status_code) == (GrantStatus.REVOKED, "nothing-left")
    assert house.events()[-1] == "grant.revoked"
    assert house.log()[-1].reasons == ("nothing-left",)


def test_an_act_that_cannot_be_logged_changes_nothing(house: House) -> None:
    grant_id = house.approved()
    house.breaks_log_at("grant.revoked")
    with pytest.raises(LogUnavailable):
        house.grants.revoke(house.alice, grant_id, WHOLE)
    assert house.grant(grant_id).status is GrantStatus.ACTIVE
    house.mends_log()
    house.grants.revoke(house.alice, grant_id, WHOLE)
    assert house.grant(grant_id).status is GrantStatus.REVOKED


def test_revoking_all_ends_every_live_grant_at_every_bank(house: House) -> None:
    _two_banks(house)
    mine = [house.approved(), house.approved(bank="meridian"), _paused(house)]
    ended, proposal = _revoked(house), house.proposed()
    mallory = Actor(house.signs_in("sub-mallory").user_id, "1" * 8)
    foreign = house.approved(actor=mallory)
    assert len(house.grants.revoke_all(house.alice)) == 3
    assert {house.grant(one).status for one in [*mine, ended]} == {GrantStatus.REVOKED}
    assert house.grant(proposal).status is GrantStatus.AWAITING_AUTHORISATION
    assert house.grant(foreign).status is GrantStatus.ACTIVE
    assert len(house.grants.revoke_all(house.alice)) == 0


def test_revoking_all_at_two_banks_stands_in_both_logs(house: House) -> None:
    _two_banks(house)
    house.approved()
    house.approved(bank="meridian")
    house.grants.revoke_all(house.alice)
    assert {entry.log for entry in house.log() if entry.event == "grant.revoked"} == {
        "broker.example/audit/harbor/2026",
        "broker.example/audit/meridian/2026",
    }


def test_revoking_all_is_all_or_nothing(house: House) -> None:
    _two_banks(house)
    both = [house.approved(), house.approved(bank="meridian")]
    house.breaks_log_at("grant.revoked")
    with pytest.raises(LogUnavailable):
        house.grants.revoke_all(house.alice)
    assert {house.grant(one).status for one in both} == {GrantStatus.ACTIVE}


def test_pausing_all_and_resuming_all_leave_the_others_alone(house: House) -> None:
    active, paused, expired = house.approved(), _paused(house), house.approved(is_claimed=False)
    house.watch.passes(minutes=10)
    assert len(house.grants.pause_all(house.alice)) == 1
    assert house.grant(expired).status is GrantStatus.EXPIRED
    assert len(house.grants.resume_all(house.alice)) == 2
    assert {house.grant(one).status for one in (active, paused)} == {GrantStatus.ACTIVE}


def test_the_last_end_at_a_bank_asks_the_worker_to_end_our_tokens_there(house: House) -> None:
    first, second = house.approved(), house.approved()
    house.grants.revoke(house.alice, first, WHOLE)
    assert _next_task(house) is None
    house.grants.revoke(house.alice, second, WHOLE)
    task = _next_task(house)
    assert task is not None
    assert (task.kind, task.payload["bank_id"]) == (outbox.TaskKind.BANK_END, "harbor")


def test_a_refused_act_leaves_no_task(house: House) -> None:
    grant_id = _paused(house)
    with suppress(BrokerError):
        house.grants.pause(house.alice, grant_id, WHOLE)
    assert _next_task(house) is None


def _next_task(house: House) -> outbox.Task | None:
    with house.database.write() as session:
        return outbox.lease(session, house.watch())


def _two_banks(house: House) -> None:
    """Give Alice a credential at the second bank as well; the grants know her by her user id."""
    house.signs_in(bank="meridian")
