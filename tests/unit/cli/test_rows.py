"""What a table shows: ids are copied from it into the next command."""

import pytest

from broker.cli.output import print_rows


@pytest.mark.parametrize("terminal", ["1", ""], ids=["terminal", "pipe"])
def test_no_id_is_cut_or_broken_and_no_word_is_lost(
    terminal: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", terminal)
    client = "c_B7f8Yc7L7Vi_-mcL18noGQ"
    purposes = "account_overview balance_check spending_insights"
    print_rows(("id", "name", "purposes"), [{"id": client, "name": "A name of some length", "purposes": purposes}])
    shown = capsys.readouterr().out
    assert client in shown
    assert (purposes in shown) == (not terminal)
    assert "\u2026" not in shown
