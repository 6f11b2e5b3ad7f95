"""The negative controls of the receipts: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_BANK = "tests/unit/sandbox/test_bank_receipts.py"
_BETWEEN = "tests/unit/sandbox/test_receipts_between.py"
_RELEASE = "tests/unit/release/test_release_receipts.py"
_API = "tests/unit/api/test_api_receipts.py"
_CONNECTOR = "tests/unit/banks/test_connector_receipts.py"
_CHECKS = "broker/sandbox/bank/receipts/checks.py"
_DOOR = "broker/sandbox/bank/receipts/door.py"
_TRUSTED = "broker/sandbox/bank/receipts/trusted.py"
_VERIFIED = "verify_receipt(receipt, [Ed25519Verifier(origin, key) for key in self._keys], origin=origin)"
_BELIEVED = (
    "VerifiedReceipt("
    "parse_proof(receipt).extra, "
    "parse_proof(receipt).index, "
    "parse_checkpoint(parse_note(parse_proof(receipt).checkpoint).text), ())"
)
PLANTS = (
    # The bank's check is off, or one thing is not looked at.
    Plant(_DOOR, "if trusted is None:", "if True:", f"{_BANK}::wants_a_receipt"),
    Plant(_DOOR, "if trusted is None:", "if True:", f"{_BETWEEN}::sends_no_receipt"),
    Plant(_CHECKS, "if not each.holds(claimed):", "if False:", f"{_BANK}::something_else"),
    Plant(_CHECKS, "it.age_s <= LONGEST_AGE_S", "True", f"{_BANK}::something_else"),
    Plant(_CHECKS, "it.age_s >= -LONGEST_AGE_S", "True", f"{_BANK}::something_else"),
    Plant(_CHECKS, "== it.interaction_id", "is not None", f"{_BANK}::interaction"),
    Plant(_CHECKS, '"category") in it.asked.categories', '"category") is not None', f"{_BANK}::something_else"),
    Plant(_CHECKS, "== it.customer", "is not None", f"{_BANK}::something_else"),
    Plant(_CHECKS, "or it.asked.account_id in it.accounts", "or True", f"{_BANK}::not_announced"),
    Plant(_CHECKS, "== it.asked.alert_id", "is not ...", f"{_BANK}::names_it"),
    Plant(_CHECKS, "disclosed[0] <= start and ", "", f"{_BANK}::no_more_time"),
    Plant(_CHECKS, " and end <= disclosed[1] + it.asked.lag_s", "", f"{_BANK}::no_more_time"),
    Plant(_CHECKS, 'it.leaf.get("number") == it.index', "True", f"{_BANK}::something_else"),
    Plant(_TRUSTED, "if origin not in self.names_at(now):", "if False:", f"{_BANK}::another_banks_log"),
    Plant(_TRUSTED, "if origin not in self.names_at(now):", "if False:", f"{_BANK}::second_log"),
    Plant(_DOOR, "if written != data:", "if False:", f"{_BANK}::reads_alike"),
    Plant(_TRUSTED, _VERIFIED, _BELIEVED, f"{_BANK}::stranger"),
    Plant(_TRUSTED, _VERIFIED, _BELIEVED, f"{_BANK}::changed_after"),
    Plant("broker/sandbox/bank/receipts/uses.py", ".first() is None:", ".first() is ...:", f"{_BANK}::once"),
    Plant("broker/sandbox/bank/data/served.py", "if visit.receipt is not None:", "if False:", f"{_BANK}::held_against"),
    Plant(
        "broker/sandbox/bank/data/access.py", "account_id in accounts or", "True or", f"{_BANK}::list_for_a_platform"
    ),
    # The broker sends none, the wrong ones, or more than the other side may know.
    Plant("broker/banks/connectors/conversation.py", "and access.announced is None:", "and False:", _CONNECTOR),
    Plant("broker/banks/connectors/conversation.py", "(announced := self._access.announced)", "None", _CONNECTOR),
    Plant("broker/release/receipts.py", '"window"})', '"window", "context"})', f"{_RELEASE}::nothing_else"),
    Plant("broker/release/receipts.py", "disclosed({RESPONSE_DIGEST})", "disclosures", f"{_RELEASE}::bytes_it_gets"),
    Plant("broker/release/entries.py", "hashlib.sha256(rendered.body)", "hashlib.sha256()", f"{_API}::very_bytes"),
    Plant("broker/release/own_receipts.py", '.get("grant") != call.grant_id', " is None", f"{_API}::alone"),
    Plant("broker/release/own_receipts.py", "if not is_first:", "if False:", f"{_API}::good_for_one"),
    Plant("broker/release/own_receipts.py", "if grant.status.is_final:", "if False:", f"{_API}::with_the_grant"),
)


@pytest.mark.timeout(900)
@pytest.mark.control
@pytest.mark.campaign
def test_the_tests_of_receipts_find_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
