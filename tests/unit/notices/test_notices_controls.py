"""The negative controls of notices: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_TOLD, _MAILS = "tests/unit/notices/test_what_is_told.py", "tests/unit/notices/test_mails.py"
_ADDRESSES, _TIME = "tests/unit/notices/test_addresses.py", "tests/unit/notices/test_reminders.py"
_NOTED = "    note_entry(transaction.session, entry, transaction.written_at(entry.bank_id))\n"
_APART = """\
    from sqlalchemy.orm import Session as Apart

    with Apart(transaction.session.get_bind().engine) as apart, apart.begin():
        note_entry(apart, entry, transaction.written_at(entry.bank_id))
    written = transaction.append(entry)
"""
PLANTS = (
    # A notice that is written on its own, before what it tells of: told though it never happened.
    Plant(
        "broker/grants/announcing.py",
        f"    written = transaction.append(entry)\n{_NOTED}",
        _APART,
        f"{_TOLD}::rolled_back or each_act",
    ),
    Plant("broker/grants/announcing.py", _NOTED, "", f"{_TOLD}::each_act"),
    # What a person has turned off is told all the same.
    Plant(
        "broker/notices/outbox.py",
        "(notice.topic, one.way) in chosen and one.reaches",
        "one.reaches",
        f"{_TOLD}::who_wants_nothing",
    ),
    Plant(
        "broker/notices/vocabulary.py",
        "frozenset({Topic.GIVEN, Topic.EXACT_PLACES, Topic.SIGN_IN})",
        "frozenset()",
        f"{_TOLD}::who_wants_nothing",
    ),
    Plant("broker/notices/channels.py", "return session.scalar(confirmed) is not None", "return True", _ADDRESSES),
    Plant("broker/notices/addresses.py", "and compare_digest(row.key_digest, digest(key))", "", _ADDRESSES),
    Plant(
        "broker/notices/addresses.py",
        "and now < row.key_expires_at\n            and compare",
        "and compare",
        _ADDRESSES,
    ),
    Plant("broker/notices/addresses.py", "for n in range(most)", "for n in range(999)", f"{_ADDRESSES}::a_day"),
    Plant("broker/notices/mailing.py", "row.due_at = now + _LEASE", "pass", f"{_MAILS}::two_workers"),
    Plant("broker/notices/smtp.py", "if self.needs_tls:", "if False:", f"{_MAILS}::without_starttls"),
    Plant(
        "broker/notices/words.py",
        'return " ".join(shown.split())[:_LONGEST_NAME]',
        "return name",
        f"{_MAILS}::no_header",
    ),
    Plant("broker/notices/letters.py", 'f"<{mail_id}@{self.host}>"', 'f"<{at}@{self.host}>"', f"{_MAILS}::away"),
    Plant("broker/notices/marks.py", "where=_MARKS.c.at <= again_from", "where=None", f"{_TOLD}::once"),
    Plant("broker/grants/reminders.py", "~select(MarkRow.subject).where(is_told).exists(),\n    )", ")", _TIME),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_notices_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
