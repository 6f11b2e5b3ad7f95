"""Row 13: whatever a bank answers, the platform gets a coded error, the log says so, and the other bank goes on."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.lied_to import LiedTo, lied_to, reader_of
from tests.support.lies import ABOUT, CANARY, FOREIGN, LISTS, TRANSACTIONS, WIRE, foreign_rows, hang
from tests.support.lying_bank import Lie
from tests.support.planted import planted
from tests.support.sizes import Size

pytestmark = pytest.mark.timeout(600)
_HAS_ROOM = "return len(self._under_way) < self._slots.most_to_one and self._slots.taken < self._slots.most_to_all"
_LIES = [
    pytest.param(category, lie, id=f"{category} {name}")
    for category, told in ABOUT.items()
    for name, lie in told.items()
]
_OPEN_WITHIN_S = 5.0
_AT_ONCE_S = 0.3
_RECOVERED_WITHIN_S = 10.0
_CALLERS = 8
_GROWTH_KB = 100_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiedTo]:
    with lied_to(tmp_path_factory.mktemp("lied-to")) as running:
        yield running


@pytest.mark.parametrize(("category", "lie"), _LIES)
def test_a_lie_is_a_coded_error_logged_as_failed_and_nobody_elses_business(
    house: LiedTo, category: str, lie: Lie
) -> None:
    assert house.wrongs(lie, category) == []


def test_a_gigabyte_does_not_become_memory(house: LiedTo) -> None:
    (worker,) = house.fleet.server.workers()
    house.at_liar.reads("balances")
    before = peak_kb(worker)
    for name in (
        "announces a gigabyte",
        "sends a gigabyte in chunks",
        "sends a gzip bomb",
        "sends gzip bombs in chunks",
    ):
        assert house.wrongs(WIRE[name], "balances") == []
    assert peak_kb(worker) - before < _GROWTH_KB


def test_accounts_of_others_in_the_list_are_dropped(house: LiedTo, size: Size) -> None:
    assert foreign_records_released(house, size.of(test=300, campaign=10_000)) == 0


def test_a_bank_that_hangs_is_left_alone_within_five_seconds_and_comes_back_without_hands(house: LiedTo) -> None:
    assert circuit_wrongs(house) == []


@pytest.mark.control
@pytest.mark.parametrize(
    ("file", "old", "new", "category", "lie"),
    [
        pytest.param(
            "broker/banks/connectors/records.py",
            "if fields.get(member, values.identifier) != account_ref:",
            "if fields.get(member, values.identifier) is None:",
            "transactions",
            TRANSACTIONS["has a row of another account"],
            id="whose a row is",
        ),
        pytest.param(
            "broker/banks/connectors/conversation.py",
            "if named != self._access.subject:",
            "if not named:",
            "accounts",
            LISTS["is about another customer"],
            id="whose customer it is",
        ),
        pytest.param(
            "broker/outbound/deadline.py",
            "self._sock.settimeout(self._deadline.remaining())",
            "self._sock.settimeout(5)",
            "balances",
            WIRE["drips its body"],
            id="how long it takes",
        ),
        pytest.param(
            "broker/release/service.py",
            "is_failure = isinstance(error, (BankUnavailable, StorageUnavailable))",
            "is_failure = False",
            "balances",
            WIRE["resets at once"],
            id="what the log says",
        ),
    ],
)
def test_a_broker_that_does_not_look_is_caught(
    tmp_path: Path, size: Size, file: str, old: str, new: str, category: str, lie: Lie
) -> None:
    if size.name == "test" and file != "broker/banks/connectors/records.py":
        pytest.skip("one control in make test, the others in make campaign")
    code = planted(tmp_path / "code", file, old, new)
    with lied_to(tmp_path / "run", code) as careless:
        assert careless.wrongs(lie, category) != []


@pytest.mark.control
def test_a_broker_that_keeps_all_it_is_sent_is_caught(tmp_path: Path, size: Size) -> None:
    if size.name == "test":
        pytest.skip("in make campaign")
    records = "broker/release/records.py"
    kept, all_of_them = "for account in listed if account.ref in known]", "for account in listed]"
    code = planted(tmp_path / "code", records, kept, all_of_them)
    own = 'naming.accounts[account.ref],\n        "displayName"'
    planted(code, records, own, own.replace("[account.ref]", ".get(account.ref, account.ref)"))
    planted(code, "broker/policy/minimise.py", 'if one["accountId"] in limits.accounts and not', "if not")
    with lied_to(tmp_path / "run", code) as careless:
        assert foreign_records_released(careless, 300) > 0


@pytest.mark.control
def test_a_broker_without_breaker_is_caught(tmp_path: Path, size: Size) -> None:
    if size.name == "test":
        pytest.skip("in make campaign")
    code = planted(
        tmp_path / "code",
        "broker/outbound/breaker.py",
        "FAILURES_TO_OPEN: Final = 5",
        "FAILURES_TO_OPEN: Final = 10**9",
    )
    planted(code, "broker/outbound/breaker.py", _HAS_ROOM, "return True")
    with lied_to(tmp_path / "run", code) as careless:
        assert circuit_wrongs(careless) != []


def peak_kb(pid: int) -> int:
    """Return the most memory that the process has ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def foreign_records_released(house: LiedTo, records: int) -> int:
    """Offer so many accounts of others among the person's own and count those that the platform gets."""
    count, own, released = 150, set(house.at_liar.person.accounts["messenger"]), 0
    with house.bank.lying(foreign_rows("accounts", count)):
        for _ in range(-(-records // count)):
            got = house.at_liar.reads("accounts")
            assert got.status == 200, got.body
            released += sum(one["accountId"] not in own for one in got.json()["data"]["accounts"])
            released += got.body.count(CANARY.encode()) + got.body.count(FOREIGN.encode())
    return released


def circuit_wrongs(house: LiedTo) -> list[str]:
    """Let a bank hang under several callers; name what took too long, there and at the other bank."""
    readers = [reader_of(house.fleet, "harbor") for _ in range(_CALLERS)]
    began = time.monotonic()
    refused_at: list[float] = []

    def call_until_refused(number: int) -> None:
        while not refused_at and time.monotonic() - began < 2 * _OPEN_WITHIN_S:
            called = time.monotonic()
            got = readers[number].reads("balances")
            if got.status == 503 and time.monotonic() - called < _AT_ONCE_S:
                refused_at.append(time.monotonic() - began)

    others: list[tuple[int, float]] = []
    with house.bank.lying(hang), ThreadPoolExecutor(_CALLERS) as pool:
        calling = [pool.submit(call_until_refused, number) for number in range(_CALLERS)]
        while not all(future.done() for future in calling):
            called = time.monotonic()
            others.append((house.at_honest.reads("balances").status, time.monotonic() - called))
    mended_at = time.monotonic()
    while house.at_liar.reads("balances").status != 200 and time.monotonic() - mended_at < 2 * _RECOVERED_WITHIN_S:
        time.sleep(0.1)
    recovered_s = time.monotonic() - mended_at
    for reader in readers:
        reader.caller.line.close()
    return [
        *([] if refused_at and min(refused_at) < _OPEN_WITHIN_S else [f"refused after {refused_at or 'no'} s"]),
        *([] if recovered_s < _RECOVERED_WITHIN_S else [f"recovered after {recovered_s:.1f} s"]),
        *[f"the other bank: {status} after {took:.1f} s" for status, took in others if status != 200 or took > 2.0],
    ]
