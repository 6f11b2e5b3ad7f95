"""The negative controls of the witness and of the start-up rule: faults in a copy that these tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_MEMORY = "tests/unit/witness/test_witness_memory.py"
_PROTOCOL = "tests/unit/witness/test_witness_protocol.py"
_RULE = "tests/unit/audit/test_start_up_rule.py"
_LATE = "tests/unit/audit/test_late_contradictions.py"
_RECOVERY = "tests/unit/grants/test_log_recovery.py"
_LIES = "tests/unit/audit/test_lying_witnesses.py"
_STORED = 'slot.replace(opened.text + b"\\n" + own + line)'
_LATER = '__import__("threading").Timer(0.3, slot.replace, [opened.text + b"\\n" + own + line]).start()'
_OPENED = "    (verified,) = open_answer(request.note, answer.body, [witness.verifier]).verified\n"
_BELIEVED = (
    "    from broker.tlog.note import Verified, parse_signatures\n"
    "    verified = Verified(witness.verifier, parse_signatures(answer.body)[0])\n"
)
_DAMAGED = "        raise HeadsUnusable from error\n    if checkpoint"
_TOLD = "                known = read_size(answer.body)\n"
_HASTY = (
    "                if known > head.size:\n                    return Statement(witness.name, Says.CONTRADICTS, '')\n"
)
_CHECKED, _UNCHECKED = "        for bank, log in logs.items():\n", "        for bank, log in ():\n"
_DOOR = "for_access={})\n            orders"
_AGAINST = "        if any(statement.says is Says.CONTRADICTS for statement in statements):\n"
_ALL = "len(standing.confirmed_by) == len(self._witnesses.members)"
_OWN_SIZE = "if old == head.size and _means"
_SEEN = "if end.size > seen.size or end == seen:"
_APART = "                except BrokerError as error:\n"
_VERIFIED = "            open_checkpoint(request.note, verifiers, origin)\n"
_AGAIN = "<= set(grant_ids):"
PLANTS = (
    Plant("broker/witness/service.py", _STORED, _LATER, f"{_MEMORY}::has_told_nobody"),
    Plant("broker/witness/service.py", "if not verifiers:", "if False:", f"{_PROTOCOL}::unknown_log"),
    Plant("broker/witness/heads.py", "(name, fcntl.LOCK_EX)", "(name, fcntl.LOCK_SH)", f"{_MEMORY}::one_step"),
    Plant("broker/witness/heads.py", _DAMAGED, "        return None\n    if checkpoint", f"{_PROTOCOL}::damaged"),
    Plant("broker/audit/confirmation.py", _AGAINST, "        if False:\n", f"{_RULE}::restored or signed"),
    Plant("broker/audit/permits.py", _CHECKED, _UNCHECKED, f"{_RULE}::restored_backup_is_never"),
    Plant("broker/audit/sequencer.py", _DOOR.format(True), _DOOR.format(False), f"{_RULE}::without_its_witness"),
    Plant("broker/grants/service.py", "self._sequencer.prepare(banks)", "pass", f"{_RULE}::no_transaction"),
    Plant("broker/grants/erasure.py", "self._sequencer.prepare([bank_id])", "pass", f"{_LATE}::asked_before"),
    Plant(
        "broker/release/service.py",
        "append(entry, held_still if decision.is_allowed else (), fenced=True)",
        "append(entry, held_still if decision.is_allowed else ())",
        f"{_LATE}::under_the_fence",
    ),
    Plant("broker/grants/recovery.py", _AGAIN, "is not None:", f"{_RECOVERY}::its_own_fence"),
    Plant("broker/audit/confirmation.py", _ALL, "standing.says is Says.CONSISTENT", f"{_LATE}::answers_late"),
    Plant("broker/audit/confirmation.py", _SEEN, "if True:", f"{_LATE}::put_back_under or same_size or nobody_answers"),
    Plant("broker/audit/permits.py", "contradicting(session, log)", "[]", f"{_LATE}::pusher_hears or answers_late"),
    Plant("broker/audit/pushing.py", _APART, "                except KeyError as error:\n", f"{_LATE}::one_damaged"),
    Plant("broker/audit/submission.py", _OWN_SIZE, "if False and _means", f"{_LIES}::our_own_size"),
    Plant("broker/witness/service.py", _VERIFIED, "            pass\n", f"{_PROTOCOL}::leave_no_file"),
    Plant("broker/audit/submission.py", _OPENED, _BELIEVED, f"{_LIES}::a_lie"),
    Plant("broker/audit/submission.py", _TOLD, _TOLD + _HASTY, f"{_LIES}::just_written"),
)


_SHARES = [PLANTS[start::6] for start in range(6)]  # each ends within the time of one test


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize("share", range(len(_SHARES)))
def test_every_fault_is_found(tmp_path: Path, share: int) -> None:
    assert survivors(tmp_path, _SHARES[share]) == []
