"""Row 3: what was revoked stays revoked: every old token is replayed after the broker was stopped and killed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size

CATEGORIES = ("balances", "accounts")
GRANTS = 4
_JUDGED, _AS_IT_IS = "broker/policy/questions.py", '"status": context.status.value,'
_AS_IF_ALIVE = '"status": context.status.value.replace("REVOKED", "ACTIVE"),'
_REFUSED = (401, "grant-revoked")
_NOT_REFRESHED = (400, "grant-revoked")


@dataclass(frozen=True, slots=True)
class Old:
    """The tokens of one grant that has been revoked, with the machine that they are bound to."""

    caller: Caller
    access: list[str]
    refresh: list[str]

    def replayed(self) -> Counter[tuple[int, str]]:
        """Use every token again and count the answers."""
        answers = [self.caller.read("balances", token) for token in self.access]
        answers += [self.caller.refresh(token) for token in self.refresh]
        return Counter((answer.status, answer.code) for answer in answers)


def revoked(fleet: Fleet, tokens: int, number: int) -> Old:
    """Let a person share, the platform hold so many tokens of each kind, and the person revoke it all."""
    person, caller = fleet.person(), fleet.caller()
    grant = fleet.grant(person, CATEGORIES)
    old = Old(
        caller,
        fleet.tokens(grant, caller.dpop.thumbprint, CATEGORIES, count=tokens),
        fleet.refresh_tokens(grant, CATEGORIES, count=tokens),
    )
    assert caller.read("balances", old.access[0]).status == 200
    sharer = fleet.sharer(person)
    parts = (None,) if number % 2 else CATEGORIES  # as a whole, or one category after the other
    assert [sharer.acts("revoke", grant, part).status for part in parts] == [303] * len(parts)
    return old


def replayed_after_restarts(fleet: Fleet, tokens: int) -> Counter[tuple[int, str]]:
    """Revoke, stop and start, kill and start again, and replay `tokens` tokens."""
    each = tokens // (2 * GRANTS)
    olds = [revoked(fleet, each, number) for number in range(GRANTS)]
    fleet.server.stop()
    fleet.server.start()
    fleet.server.wait()
    fleet.server.kill()
    fleet.server.start()
    fleet.server.wait()
    with ThreadPoolExecutor(GRANTS) as pool:
        return sum(pool.map(Old.replayed, olds), Counter())


def test_no_token_of_a_revoked_grant_comes_back_with_a_restart(fleet: Fleet, size: Size) -> None:
    tokens = size.of(test=40, campaign=5_000)

    answers = replayed_after_restarts(fleet, tokens)

    assert answers == {_REFUSED: tokens // 2, _NOT_REFRESHED: tokens // 2}


@pytest.mark.control
@pytest.mark.campaign
def test_a_policy_that_forgets_a_revocation_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", _JUDGED, _AS_IT_IS, _AS_IF_ALIVE)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        answers = replayed_after_restarts(broken, 40)
    assert answers[_REFUSED] < 20
