"""Codes are redeemed once, tokens rest as digests and point to a grant (invariants 4, 6, 8)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Barrier

import pytest

from broker.tokens.codes import CODE_LIFE, Code, consume_code, find_code, forget_old_codes, issue_code
from broker.tokens.service import (
    ACCESS_LIFE,
    Token,
    TokenKind,
    end_all_of_grant,
    end_token,
    find_for_use,
    find_token,
    forget_old_tokens,
    issue_access,
    issue_refresh,
)
from tests.support.core import House


@pytest.fixture
def grant_id(house: House) -> str:
    return house.approved(is_claimed=False)


def new_code(house: House, grant_id: str) -> str:
    with house.database.write() as session:
        return issue_code(
            session, Code(grant_id, "messenger", "https://m.example/cb", "challenge", "jkt"), house.watch()
        )


def redeem(house: House, code: str) -> bool:
    with house.database.write() as session:
        return consume_code(session, code, house.watch())


def new_access(house: House, grant_id: str, life: timedelta = timedelta(days=1)) -> tuple[str, int]:
    with house.database.write() as session:
        return issue_access(
            session,
            grant_id=grant_id,
            platform_id="messenger",
            jkt="jkt",
            categories=["balances"],
            grant_expires_at=house.watch() + life,
            now=house.watch(),
        )


def new_refresh(house: House, grant_id: str) -> str:
    with house.database.write() as session:
        return issue_refresh(
            session,
            grant_id=grant_id,
            platform_id="messenger",
            categories=["balances"],
            grant_expires_at=house.watch() + timedelta(days=90),
            now=house.watch(),
        )


def token(house: House, secret: str) -> Token:
    with house.database.read() as session:
        found = find_token(session, secret)
    assert found is not None
    return found


def test_a_code_is_bound_to_what_it_was_issued_for(house: House, grant_id: str) -> None:
    code = new_code(house, grant_id)
    with house.database.read() as session:
        found = find_code(session, code, "messenger")
        others = find_code(session, code, "rival")
        unknown = find_code(session, code + "x", "messenger")
    assert found == Code(grant_id, "messenger", "https://m.example/cb", "challenge", "jkt")
    assert others is unknown is None


def test_a_redeemed_code_claims_the_grant(house: House, grant_id: str) -> None:
    assert redeem(house, new_code(house, grant_id))
    house.watch.passes(minutes=11)
    assert house.grant(grant_id).status == "ACTIVE"


def test_exactly_one_of_many_threads_redeems_a_code(house: House, grant_id: str) -> None:
    code, start = new_code(house, grant_id), Barrier(10)

    def attempt(_: int) -> bool:
        start.wait()
        return redeem(house, code)

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(10))) == 1


def test_a_replayed_code_ends_the_tokens_and_that_is_committed(house: House, grant_id: str) -> None:
    code = new_code(house, grant_id)
    assert redeem(house, code)
    secrets = [new_access(house, grant_id)[0], new_refresh(house, grant_id)]
    foreign = new_access(house, "another-grant")[0]
    assert not redeem(house, code)
    ended = house.store.rows("SELECT grant_id, ended_at IS NULL FROM tokens")
    assert sorted(ended) == sorted([(grant_id, 0), (grant_id, 0), ("another-grant", 1)])
    assert [token(house, secret).is_live(house.watch()) for secret in [*secrets, foreign]] == [False, False, True]
    assert house.grant(grant_id).status == "ACTIVE"


def test_an_expired_code_is_refused_and_ends_nothing(house: House, grant_id: str) -> None:
    code, access = new_code(house, grant_id), new_access(house, grant_id)[0]
    house.watch.passes(seconds=CODE_LIFE.total_seconds())
    assert not redeem(house, code)
    assert token(house, access).is_live(house.watch())
    assert not redeem(house, code)


@pytest.mark.fapi(15)
def test_a_code_lives_until_the_last_moment_of_its_minute(house: House, grant_id: str) -> None:
    code = new_code(house, grant_id)
    house.watch.passes(seconds=59, microseconds=999_999)
    assert redeem(house, code)


def test_a_replay_is_recognised_until_a_day_later(house: House, grant_id: str) -> None:
    code = new_code(house, grant_id)
    assert redeem(house, code)
    house.watch.passes(days=1, seconds=60)
    _forget(house)
    with house.database.read() as session:
        assert find_code(session, code, "messenger") is not None
    assert not redeem(house, code)
    house.watch.passes(seconds=1)
    _forget(house)
    with house.database.read() as session:
        assert find_code(session, code, "messenger") is None


def test_only_digests_of_codes_and_tokens_rest_in_the_database(house: House, grant_id: str) -> None:
    secrets = [new_code(house, grant_id), new_access(house, grant_id)[0], new_refresh(house, grant_id)]
    written = house.stored_bytes()
    assert [secret[:7] for secret in secrets] == ["bkr_ac_", "bkr_at_", "bkr_rt_"]
    for secret in secrets:
        assert secret.encode() not in written
        assert secret[7:].encode() not in written
    assert len({*secrets}) == 3


def test_an_access_token_says_what_it_opens_for_whom(house: House, grant_id: str) -> None:
    secret, seconds = new_access(house, grant_id)
    found = token(house, secret)
    assert seconds == ACCESS_LIFE.total_seconds()
    assert (found.kind, found.grant_id, found.platform_id) == (TokenKind.ACCESS, grant_id, "messenger")
    assert (found.jkt, found.categories) == ("jkt", ("balances",))
    with house.database.read() as session:
        assert find_token(session, secret + "x") is None


def test_an_access_token_never_outlives_its_grant(house: House, grant_id: str) -> None:
    secret, seconds = new_access(house, grant_id, timedelta(seconds=90))
    assert seconds == 90
    house.watch.passes(seconds=89)
    assert token(house, secret).is_live(house.watch())
    house.watch.passes(seconds=1)
    assert not token(house, secret).is_live(house.watch())


def test_revoking_the_refresh_token_ends_the_access_tokens_too(house: House, grant_id: str) -> None:
    access, refresh = new_access(house, grant_id)[0], new_refresh(house, grant_id)
    _end(house, refresh)
    assert not token(house, access).is_live(house.watch())
    assert not token(house, refresh).is_live(house.watch())
    assert house.grant(grant_id).status == "ACTIVE"


def test_revoking_an_access_token_leaves_the_refresh_token(house: House, grant_id: str) -> None:
    access, refresh = new_access(house, grant_id)[0], new_refresh(house, grant_id)
    _end(house, access)
    first = token(house, access).ended_at
    house.watch.passes(seconds=1)
    _end(house, access)
    assert token(house, access).ended_at == first
    assert token(house, refresh).is_live(house.watch())


@pytest.mark.parametrize("change", [lambda secret: secret + "x", lambda _: "", lambda _: "\udcff"])
def test_revoking_an_unknown_token_changes_nothing(house: House, grant_id: str, change: Callable[[str], str]) -> None:
    refresh = new_refresh(house, grant_id)
    _end(house, change(refresh))
    assert token(house, refresh).is_live(house.watch())


def test_another_platform_cannot_revoke_a_token(house: House, grant_id: str) -> None:
    refresh = new_refresh(house, grant_id)
    _end(house, refresh, "rival")
    assert token(house, refresh).is_live(house.watch())


def test_tokens_are_forgotten_a_day_after_their_end(house: House, grant_id: str) -> None:
    secret, seconds = new_access(house, grant_id)
    with house.database.write() as session:
        end_all_of_grant(session, grant_id, house.watch())
    house.watch.passes(days=1, seconds=seconds)
    _forget(house)
    assert token(house, secret).ended_at is not None
    house.watch.passes(seconds=1)
    _forget(house)
    with house.database.read() as session:
        assert find_token(session, secret) is None


def _end(house: House, secret: str, platform_id: str = "messenger") -> None:
    with house.database.write() as session:
        end_token(session, secret, platform_id, house.watch())


def _forget(house: House) -> None:
    with house.database.write() as session:
        forget_old_codes(session, house.watch())
        forget_old_tokens(session, house.watch())


def test_a_code_does_not_revive_a_grant_that_has_ended_unclaimed(house: House, grant_id: str) -> None:
    house.watch.passes(minutes=9, seconds=59)
    code = new_code(house, grant_id)
    house.watch.passes(seconds=2)
    assert house.grant(grant_id).status.value == "EXPIRED"
    assert redeem(house, code)
    assert house.grant(grant_id).status.value == "EXPIRED"


def ended(house: House, refresh: str) -> None:
    with house.database.write() as session:
        end_token(session, refresh, "messenger", house.watch())


def used(house: House, refresh: str) -> bool:
    """Say whether a token could be issued by this refresh token, as one transaction sees it."""
    with house.database.write() as session:
        found = find_for_use(session, refresh)
        return found is not None and found.is_live(house.watch())


def test_a_token_that_is_issued_while_its_grants_tokens_are_ended_ends_too(house: House, grant_id: str) -> None:
    refresh = new_refresh(house, grant_id)
    with ThreadPoolExecutor(1) as pool:
        with house.database.write() as session:
            assert find_for_use(session, refresh) is not None
            ending = pool.submit(ended, house, refresh)
            wait([ending], timeout=0.5)  # it cannot finish: the outcome is the same however long this takes
            access, _ = issue_access(
                session,
                grant_id=grant_id,
                platform_id="messenger",
                jkt="jkt",
                categories=["balances"],
                grant_expires_at=house.watch() + timedelta(days=1),
                now=house.watch(),
            )
        ending.result()
    assert not token(house, access).is_live(house.watch())


def test_a_refresh_waits_for_the_end_of_its_token_and_gives_nothing(house: House, grant_id: str) -> None:
    refresh = new_refresh(house, grant_id)
    with ThreadPoolExecutor(1) as pool:
        with house.database.write() as session:
            end_token(session, refresh, "messenger", house.watch())
            using = pool.submit(used, house, refresh)
            wait([using], timeout=0.5)
        assert using.result() is False
