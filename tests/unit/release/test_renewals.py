"""A bank that takes each refresh token once, and ends everything at a second use, is never given one twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier, Lock

import pytest

from broker.banks.connector import Credential
from broker.errors import BankSignInNeeded, BankTimeout, BankUnavailable
from broker.release import Renewals
from broker.users.service import Identity
from tests.support.core import CREDENTIAL, House


@dataclass
class RotatingBank:
    """Counts how often each refresh token was used."""

    used: list[str | None] = field(default_factory=list)
    mutex: Lock = field(default_factory=Lock)

    def exchange(self, credential: Credential) -> Credential:
        with self.mutex:
            self.used.append(credential.refresh_token)
            return replace(credential, access_token="new-access", refresh_token=f"refresh-{len(self.used)}")


def renewals(house: House, wait_s: float = 3) -> Renewals:
    made = Renewals(house.database, house.users, wait_s=wait_s)
    house.in_the_end.callback(made.close)
    return made


def identity(house: House) -> Identity:
    with house.database.read() as session:
        found = house.users.at_bank(session, house.alice.user_id, "harbor")
    assert found is not None
    return found


def test_ten_calls_at_once_renew_once_and_all_go_on_with_the_new_credential(house: House) -> None:
    bank, before, start = RotatingBank(), identity(house), Barrier(10)

    def call(_: int) -> Credential:
        start.wait()
        return renewals(house).renew(before, bank.exchange)

    with ThreadPoolExecutor(10) as pool:
        got = set(pool.map(call, range(10)))
    assert bank.used == [CREDENTIAL.refresh_token]
    assert [credential.refresh_token for credential in got] == ["refresh-1"]
    assert identity(house).credential == got.pop().dump()


def test_a_credential_that_was_forgotten_meanwhile_is_not_renewed(house: House) -> None:
    before = identity(house)
    with house.database.write() as session:
        house.users.replace_credential(session, before.user_id, "harbor", old=CREDENTIAL.dump(), new=None)
    bank = RotatingBank()
    with pytest.raises(BankSignInNeeded):
        renewals(house).renew(before, bank.exchange)
    assert bank.used == []


def test_after_a_renewal_that_failed_the_next_one_is_tried(house: House) -> None:
    def fails(_: Credential) -> Credential:
        raise BankTimeout

    before, bank = identity(house), RotatingBank()
    with pytest.raises(BankTimeout):
        renewals(house).renew(before, fails)
    assert renewals(house).renew(before, bank.exchange).refresh_token == "refresh-1"


def test_a_renewal_that_takes_too_long_is_told_as_the_banks_failure(house: House) -> None:
    before, quick = identity(house), renewals(house, wait_s=0.05)

    def slow(credential: Credential) -> Credential:
        with pytest.raises(BankUnavailable):
            quick.renew(before, RotatingBank().exchange)
        return credential

    renewals(house).renew(before, slow)
