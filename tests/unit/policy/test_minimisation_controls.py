"""What the tests of minimisation and of answers must notice: each fault is planted in a copy of the product."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_MINIMISE, _ANSWERING = "broker/policy/minimise.py", "broker/policy/answers.py"
_FIELDS = "tests/unit/policy/test_minimise.py"
_BYTES = "tests/unit/banks/test_hostile_to_the_last_byte.py"
_ANSWERS = "tests/unit/policy/test_answers_instead_of_data.py"
_COUNTED = "tests/unit/release/test_questions_of_the_day.py"

PLANTS = (
    Plant(_MINIMISE, 'one["accountId"] in limits.accounts and ', "", _FIELDS),
    Plant(_MINIMISE, " and not _is_too_old(limits, one)]", "]", _FIELDS),
    Plant(_MINIMISE, "for name in names if record.get(name)", "for name in record if record.get(name)", _BYTES),
    Plant(_MINIMISE, 'record["type"] in _PERSONAL_TYPES or ', "", _BYTES),
    Plant(_MINIMISE, " or code in _PERSONAL_CODES", "", _FIELDS),
    Plant(_MINIMISE, 'if record.get("channel") == "online":', 'if record.get("channel") == "on line":', _FIELDS),
    Plant(_MINIMISE, "at if precision is Precision.EXACT else at.date()", "at", _BYTES),
    Plant(_MINIMISE, "in _ADDRESS_FIELDS[precision] if", "in _ADDRESS_FIELDS[Precision.EXACT] if", _BYTES),
    Plant(_MINIMISE, "if precision is not Precision.EXACT:", "if precision is Precision.EXACT:", _FIELDS),
    Plant(_MINIMISE, "_TELLING_NUMBER.sub(_HIDDEN, text)", "text", _FIELDS),
    Plant(_MINIMISE, 'return "" if letters < len("ab") or is_syllable else word[0]', "return word[0]", _FIELDS),
    Plant(
        "broker/banks/connectors/records.py",
        "if fields.get(member, values.identifier) != account_ref:",
        "if fields.get(member, values.identifier) == '':",
        "tests/unit/banks/test_connector_fdx.py",
    ),
    Plant(_MINIMISE, '[{"answer": told.value, "asOf": as_of}]', '[{**records[0], "answer": told.value}]', _ANSWERS),
    Plant(
        _MINIMISE,
        "if limits.category.questions is not None or limits.question is not None:",
        "if limits.question is not None:",
        _ANSWERS,
    ),
    Plant(_ANSWERING, 'balance["currency"] != self.currency or ', "", _ANSWERS),
    Plant(_ANSWERING, ' or balance["asOf"] < self.oldest_at', "", _ANSWERS),
    Plant(_ANSWERING, "known_from > self.oldest_at or ", "", _ANSWERS),
    Plant(_ANSWERING, 'if use["channel"] != "online"]', "]", _ANSWERS),
    Plant(_ANSWERING, "if at_least not in steps:", "if not at_least.isdecimal():", _ANSWERS),
    Plant("broker/release/questions.py", "range(self.most)", "range(self.most + 1)", f"{_COUNTED}::sqlite"),
    Plant("broker/release/questions.py", "{grant.user_id}", "everybody", f"{_COUNTED}::sqlite"),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_minimisation_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
