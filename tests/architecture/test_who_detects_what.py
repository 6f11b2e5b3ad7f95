"""The table of who detects what says what the tests have shown, cell by cell."""

from tests.architecture.pages import DOCS, rows, section
from tests.functional.test_tamper_matrix import FOUND
from tests.support.parties import PARTIES

_PAGE = DOCS / "explanation" / "who-detects-what.md"
_CELLS = {"**yes**": True, "no": False}


def test_every_cell_says_what_its_test_shows() -> None:
    told = {row[0]: [_CELLS[cell] for cell in row[2:]] for row in rows(section(_PAGE, "Who finds what"))}
    assert told == {attack: [party in found for party in PARTIES] for attack, found in FOUND.items()}


def test_every_party_is_introduced_in_the_order_of_the_columns() -> None:
    assert [row[0] for row in rows(section(_PAGE, "Who holds what"))] == list(PARTIES)
