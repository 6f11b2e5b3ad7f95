"""Bars a day: what is drawn and what stands in the table are the same numbers."""

from datetime import UTC, date, datetime

import pytest

from broker.web.charts import MOST_DAYS, ROW, STACK, Part, days_chart, most_first

_FIRST, _LAST = date(2026, 11, 20), date(2026, 11, 22)
_READS = {"few": {_FIRST: 1}, "many": {_FIRST: 2, _LAST: 4}}


def test_each_name_has_a_row_of_bars_on_one_scale() -> None:
    chart = days_chart(_FIRST, _LAST, most_first(_READS))
    assert [(row.name, row.totals) for row in chart.rows] == [("many", (6,)), ("few", (1,))]
    assert (chart.peak, chart.days, chart.width) == (4, 3, 3 * ROW.step)
    many, few = ([(bar.x, bar.parts[0].height) for bar in row.bars] for row in chart.rows)
    assert many == [(ROW.margin, ROW.height // 2), (2 * ROW.step + ROW.margin, ROW.height)]
    assert few == [(ROW.margin, ROW.height // 4)]
    assert all(part.y + part.height == ROW.height for row in chart.rows for bar in row.bars for part in bar.parts)


def test_kinds_stand_one_upon_the_other_and_together_are_as_high_as_their_sum() -> None:
    chart = days_chart(_FIRST, _LAST, {"both": {_FIRST: (3, 1), _LAST: (0, 2)}}, STACK)
    high = STACK.height // 4
    assert chart.rows[0].totals == (3, 3)
    assert chart.rows[0].bars[0].parts == (Part(3, high, 3 * high), Part(1, 0, high))
    assert chart.rows[0].bars[1].parts == (Part(0, STACK.height, 0), Part(2, 2 * high, 2 * high))
    assert [line.counts for line in chart.table] == [(2,), (4,)]
    assert [bar.count for bar in chart.rows[0].bars] == [4, 2]


def test_rows_stand_in_the_order_that_was_given() -> None:
    counts = {"b": {_FIRST: (1,)}, "a": {_FIRST: (9,)}, "c": {_LAST: (5,)}}
    assert [row.name for row in days_chart(_FIRST, _LAST, counts).rows] == ["b", "a", "c"]


def test_the_table_says_the_same_numbers_newest_day_first_and_leaves_out_days_without_any() -> None:
    chart = days_chart(_FIRST, _LAST, most_first(_READS))
    assert [(line.at, line.counts) for line in chart.table] == [
        (datetime(2026, 11, 22, tzinfo=UTC), (4, 0)),
        (datetime(2026, 11, 20, tzinfo=UTC), (2, 1)),
    ]


def test_one_read_beside_a_million_is_still_seen() -> None:
    chart = days_chart(_FIRST, _LAST, {"many": {_FIRST: (1_000_000,)}, "few": {_FIRST: (1,)}})
    assert chart.rows[1].bars[0].parts[0].height == ROW.least


def test_what_lies_outside_of_the_span_and_what_was_not_counted_is_left_out() -> None:
    chart = days_chart(_FIRST, _LAST, {"old": {date(2026, 1, 1): (9,)}, "none": {_FIRST: (0,)}})
    assert (chart.rows, chart.table, chart.peak) == ((), (), 0)


@pytest.mark.parametrize(("first", "last"), [(_LAST, _FIRST), (date(2025, 1, 1), date(2026, 2, 5))])
def test_a_span_that_is_empty_or_too_long_is_no_chart(first: date, last: date) -> None:
    with pytest.raises(ValueError, match=str(MOST_DAYS)):
        days_chart(first, last, {})
