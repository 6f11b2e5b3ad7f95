"""Bars a day: what is drawn and what stands in the table are the same numbers."""

from datetime import UTC, date, datetime

import pytest

from broker.web.charts import HEIGHT, MOST_DAYS, STEP, days_chart

_FIRST, _LAST = date(2026, 11, 20), date(2026, 11, 22)


def test_each_name_has_a_row_of_bars_on_one_scale() -> None:
    chart = days_chart(_FIRST, _LAST, {"few": {_FIRST: 1}, "many": {_FIRST: 2, _LAST: 4}})
    assert [(row.name, row.total) for row in chart.rows] == [("many", 6), ("few", 1)]
    assert chart.peak == 4
    assert [(bar.x, bar.height) for bar in chart.rows[0].bars] == [(1, HEIGHT // 2), (2 * STEP + 1, HEIGHT)]
    assert [bar.height for bar in chart.rows[1].bars] == [HEIGHT // 4]
    assert all(bar.y + bar.height == HEIGHT for row in chart.rows for bar in row.bars)


def test_the_table_says_the_same_numbers_newest_day_first_and_leaves_out_days_without_any() -> None:
    chart = days_chart(_FIRST, _LAST, {"few": {_FIRST: 1}, "many": {_FIRST: 2, _LAST: 4}})
    assert [(line.at, line.counts) for line in chart.table] == [
        (datetime(2026, 11, 22, tzinfo=UTC), (4, 0)),
        (datetime(2026, 11, 20, tzinfo=UTC), (2, 1)),
    ]


def test_one_read_beside_a_million_is_still_seen() -> None:
    chart = days_chart(_FIRST, _LAST, {"few": {_FIRST: 1}, "many": {_FIRST: 1_000_000}})
    assert chart.rows[1].bars[0].height >= 1


def test_what_lies_outside_of_the_span_and_what_was_not_counted_is_left_out() -> None:
    chart = days_chart(_FIRST, _LAST, {"old": {date(2026, 1, 1): 9}, "none": {_FIRST: 0}})
    assert (chart.rows, chart.table, chart.peak) == ((), (), 0)


@pytest.mark.parametrize(("first", "last"), [(_LAST, _FIRST), (date(2025, 1, 1), date(2026, 2, 5))])
def test_a_span_that_is_empty_or_too_long_is_no_chart(first: date, last: date) -> None:
    with pytest.raises(ValueError, match=str(MOST_DAYS)):
        days_chart(first, last, {})
