"""What a log says of itself in its own entries: in whose place it stands, which keys sign it; and who finds a lie."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Trust
from broker.audit.verification.log import Question, Verified, verify_log
from broker.audit.verification.receipts import statement_of
from broker.tlog.checkpoint import Checkpoint
from broker.tlog.note import Signer
from tests.support import bad_receipts
from tests.support.forged_log import ORIGIN, SIGNER, START_US, STRANGER, Fields, canonical, publish

ABANDONED = Checkpoint("broker.example/audit/harbor/2025", 80, bytes(range(32)))
WITNESSED = Checkpoint(ABANDONED.origin, 100, bytes(range(1, 33)))
KEYS = {signer: b64encode(Trust.of([signer.vkey]).keys[0].public_key).decode() for signer in (SIGNER, STRANGER)}
BOTH = Trust.of([SIGNER.vkey, STRANGER.vkey])


def entry(number: int, event: str, **members: Any) -> bytes:
    about: Fields = {"event": event, "initiator": "DATA_ACCESS_PLATFORM", "decision": "allowed", "v": 2}
    return canonical({**about, "log": ORIGIN, "number": number, "time": START_US + number, **members})


def head(checkpoint: Checkpoint, **members: Any) -> dict[str, Any]:
    root = b64encode(checkpoint.root).decode()
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": root} | members


def recovered(number: int = 0, **changes: Any) -> bytes:
    said = {"abandoned": head(ABANDONED), "witnessed": head(WITNESSED, witness="w1")} | changes
    return entry(number, "log.recovered", **said)


def verified(leaves: Sequence[bytes], question: Question | None = None, signer: Signer = SIGNER) -> Verified:
    return verify_log(publish(leaves, signer=signer).read, question or Question(BOTH))


def fault(leaves: Sequence[bytes], question: Question | None = None, signer: Signer = SIGNER) -> tuple[str, int | None]:
    with pytest.raises(Fault) as caught:
        verified(leaves, question, signer)
    assert caught.value.log == ORIGIN
    return caught.value.code, caught.value.number


def test_a_recovered_log_is_good_and_says_what_was_lost() -> None:
    found = verified([recovered()]).recovered
    assert found is not None
    assert (found.abandoned, found.witnessed, found.witness, found.lost) == (ABANDONED, WITNESSED, "w1", 20)
    other = verified([recovered(abandoned=head(replace(ABANDONED, size=120)))]).recovered
    assert other is not None
    assert other.lost is None


def test_a_recovered_log_is_held_against_the_heads_of_the_one_before() -> None:
    for former in (ABANDONED, WITNESSED):
        assert verified([recovered()], Question(BOTH, former=former)).recovered is not None
    for former in (
        replace(ABANDONED, root=bytes(32)),
        replace(WITNESSED, root=bytes(32)),
        replace(ABANDONED, origin="broker.example/audit/harbor/2024"),
    ):
        assert fault([recovered()], Question(BOTH, former=former)) == ("former-log-wrong", 0)
    with pytest.raises(Unreadable, match="one of 95 can be compared with neither"):
        verified([recovered()], Question(BOTH, former=replace(ABANDONED, size=95)))


def test_what_the_database_holds_of_the_log_before_must_be_what_was_left() -> None:
    assert verified([recovered()], Question(BOTH, former=ABANDONED, former_is_end=True))
    for former in (WITNESSED, replace(ABANDONED, size=95)):
        assert fault([recovered()], Question(BOTH, former=former, former_is_end=True)) == ("former-log-wrong", 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"abandoned": None},
        {"abandoned": head(ABANDONED, size="80")},
        {"abandoned": head(ABANDONED, size=-1)},
        {"abandoned": head(ABANDONED, root="AA==")},
        {"abandoned": head(ABANDONED, root="é")},
        {"abandoned": head(ABANDONED, origin="a\nb")},
        {"abandoned": head(replace(ABANDONED, origin="broker.example/audit/harbor/2024"))},
        {"witnessed": head(WITNESSED)},
        {"witnessed": []},
        {
            "abandoned": head(replace(ABANDONED, origin="broker.example/audit/other/2025")),
            "witnessed": head(replace(WITNESSED, origin="broker.example/audit/other/2025"), witness="w1"),
        },
    ],
    ids=["none", "text", "negative", "short", "no base64", "two lines", "two logs", "no witness", "list", "stranger"],
)
def test_a_recovery_that_does_not_say_what_it_must_is_refused(changes: dict[str, Any]) -> None:
    assert fault([recovered(**changes)]) == ("leaf-malformed", 0)


def test_a_recovery_stands_at_the_beginning() -> None:
    assert fault([entry(0, "policy.changed"), recovered(1)]) == ("log-opened-late", 1)


def rotated(number: int, *signers: Signer) -> bytes:
    return entry(number, "keys.rotated", logKeys=[KEYS[signer] for signer in signers])


def test_a_retired_key_signs_nothing_beyond_the_entry_that_retired_it() -> None:
    leaves = [entry(0, "policy.changed"), rotated(1, STRANGER, SIGNER), entry(2, "policy.changed")]
    for signer in (SIGNER, STRANGER):  # while both are in use either will do
        assert verified(leaves, signer=signer).head.checkpoint.size == 3
    leaves += [rotated(3, STRANGER), entry(4, "policy.changed")]
    assert verified(leaves, signer=STRANGER).head.checkpoint.size == 5
    assert fault(leaves, signer=SIGNER) == ("key-retired", None)
    assert verified(leaves[:3], signer=SIGNER).head.checkpoint.size == 3  # what it signed before stays good


def test_a_retired_key_does_not_come_back() -> None:
    leaves = [rotated(0, STRANGER, SIGNER), rotated(1, STRANGER), rotated(2, SIGNER)]
    assert fault(leaves) == ("key-retired", 2)


@pytest.mark.parametrize("said", [None, [], "x", [1], ["AA=="], ["é"], ["A" * 44] * 9], ids=str)
def test_an_entry_about_keys_names_keys(said: Any) -> None:
    leaf = entry(0, "keys.rotated") if said is None else entry(0, "keys.rotated", logKeys=said)
    assert fault([leaf]) == ("leaf-malformed", 0)


def test_every_entry_about_keys_is_read_and_not_only_the_first_of_its_form() -> None:
    leaves = [rotated(0, STRANGER), entry(1, "policy.changed")]
    assert json.loads(leaves[0])["logKeys"] == [KEYS[STRANGER]]
    third = [rotated(0, SIGNER), rotated(1, STRANGER)]
    assert fault(third, signer=SIGNER) == ("key-retired", None)


def test_a_receipt_of_an_entry_that_not_everybody_reads_alike_is_refused() -> None:
    trust = Trust.of([bad_receipts.SIGNER.vkey])
    leaf = canonical({**json.loads(entry(0, "access.requested")), "log": bad_receipts.LOG})
    assert statement_of(bad_receipts.receipt_of(leaf), trust).number == 0
    for name, strange in bad_receipts.ambiguous(leaf):
        with pytest.raises(Fault) as caught:
            statement_of(bad_receipts.receipt_of(strange), trust)
        assert caught.value.code in {"leaf-malformed", "leaf-not-canonical"}, name
