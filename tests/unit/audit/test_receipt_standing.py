"""A receipt beside its log as it is now: the log goes on from it, or the receipt shows that it does not."""

from functools import cache

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Trust
from broker.audit.verification.receipts import Statement, statement_of
from broker.audit.verification.standing import standing_of
from tests.support.forged_log import SIGNER, START_US, STRANGER, WITNESS, Author, Fields, Published, publish

TRUST = Trust.of([SIGNER.vkey])
SIZE, LATER = 300, 600
LONG_AFTER_US = START_US + 3_600_000_000


def another(fields: Fields) -> None:
    if fields["number"] == 20:
        fields["category"] = "accounts"


@cache
def history(size: int, *, changed: bool = False) -> Published:
    return publish(Author().write(size, another) if changed else Author().write(size))


def receipt(number: int = 7) -> Statement:
    return statement_of(history(SIZE).receipt(number), TRUST)


def found(log: Published, now_us: int = LONG_AFTER_US, trust: Trust = TRUST) -> str:
    with pytest.raises(Fault) as caught:
        standing_of(receipt(), log.read, trust, now_us)
    return caught.value.code


@pytest.mark.parametrize("size", [SIZE, SIZE + 1, 512, LATER])
def test_a_log_that_goes_on_is_good(size: int) -> None:
    head = standing_of(receipt(), history(size).read, TRUST, LONG_AFTER_US)
    assert head.checkpoint.size == size


def test_no_entry_is_read_for_it() -> None:
    log = history(LATER)
    hashes = Published({k: v for k, v in log.files.items() if "entries" not in k}, log.checkpoint, [], [])
    assert standing_of(receipt(), hashes.read, TRUST, LONG_AFTER_US).checkpoint == log.checkpoint


@pytest.mark.parametrize("size", [SIZE, LATER])
def test_another_history_is_found_also_when_the_changed_entry_is_another_one(size: int) -> None:
    assert found(history(size, changed=True)) == "history-rewritten"


def test_a_log_that_ends_before_the_receipt_is_found_when_it_had_time_to_show_more() -> None:
    short = history(SIZE - 1)
    assert found(short) == "receipt-uncovered"
    with pytest.raises(Unreadable, match="yet"):
        standing_of(receipt(), short.read, TRUST, START_US + 60_000_000)


def test_what_the_log_serves_must_be_whole_and_signed() -> None:
    log = history(LATER)
    assert found(publish(log.leaves, signer=STRANGER)) == "signature-missing"
    assert found(log, trust=Trust.of([SIGNER.vkey], [WITNESS.vkey])) == "quorum-missed"
    assert found(Published(log.files | {"tile/0/001": b"short"}, log.checkpoint, [], [])) == "tile-malformed"
    gone = {path: content for path, content in log.files.items() if path != "tile/0/001"}
    assert found(Published(gone, log.checkpoint, [], [])) == "tile-missing"
    with pytest.raises(Unreadable, match="no checkpoint"):
        standing_of(receipt(), Published({}, log.checkpoint, [], []).read, TRUST, LONG_AFTER_US)
