"""The negative controls of switches: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_TESTS = "tests/unit/switches/test_switches.py"
_RELEASE, _SERVICE = "broker/release/service.py", "broker/switches/service.py"
_READER, _VIEWS = "broker/switches/reader.py", "broker/switches/views.py"
PLANTS = (
    Plant(
        _RELEASE,
        "            StaysOn(grant.bank_id, grant.platform_id, wanted.category),\n        )",
        "        )",
        f"{_TESTS}::between_the_last_look",
    ),
    Plant(
        _RELEASE,
        "CountedRecords(access.counts, rendered.records), stays_on)",
        "CountedRecords(access.counts, rendered.records))",
        f"{_TESTS}::between_the_last_look",
    ),
    Plant(
        "broker/release/judgement.py",
        "off=off_for(grant.switches, wanted.category),",
        "off=frozenset(),",
        f"{_TESTS}::before_the_bank_is_asked",
    ),
    Plant("broker/switches/condition.py", "return not self._off", "return True", f"{_TESTS}::behind_a_switch"),
    Plant(_READER, '_SWITCHES.c.bank_id.in_(["", bindparam("at_bank")])', '_SWITCHES.c.bank_id == ""', _TESTS),
    Plant(
        _READER,
        '_SWITCHES.c.platform_id.in_(["", bindparam("of_platform")])',
        '_SWITCHES.c.platform_id == bindparam("of_platform")',
        _TESTS,
    ),
    Plant(_VIEWS, "one.is_whole or one.target.category == category", "True", f"{_TESTS}::not_concerned"),
    Plant(_SERVICE, "if hand.side is Side.BANK and", "if False and", f"{_TESTS}::banks_hand"),
    Plant(
        _SERVICE, "hand.side.value, target.bank_id, target", '"bank", target.bank_id, target', f"{_TESTS}::each_side"
    ),
    Plant(
        _SERVICE,
        "return [*(bank.id for bank in banks.all_banks(session)), None]",
        "return [None]",
        f"{_TESTS}::in_every_log",
    ),
    Plant(
        "broker/grants/consents.py",
        "off=off_for(switches),",
        "off=frozenset(),",
        f"{_TESTS}::approvals_are_refused",
    ),
    Plant(
        "broker/grants/consents.py",
        "off_categories=off_categories(switches),",
        "",
        f"{_TESTS}::approvals_are_refused",
    ),
    Plant(
        "broker/release/own_accounts.py",
        ', [StaysOn(proposal.bank_id, proposal.platform_id, "")]',
        "",
        f"{_TESTS}::not_listed",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_switches_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
