"""Draws the results as SVG, with nothing but text: bars for harvests, bars for how full each budget was."""

from collections.abc import Sequence
from html import escape
from math import log10

from tests.simulation.attacks import Outcome
from tests.simulation.honest import Honest

_WIDTH, _ROW, _LEFT, _TOP = 960, 30, 190, 78
_SPAN = _WIDTH - _LEFT - 300
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1d2733}.t{font-size:18px;font-weight:650}"
    ".h{fill:#5a6675;font-size:12.5px}"
    ".g{fill:#2c7a52}.b{fill:#b3402e}.l{stroke:#5a6675;stroke-dasharray:4 4}.bg{fill:#fff}"
    "@media(prefers-color-scheme: dark){text{fill:#e8edf3}.h{fill:#a3afbd}.g{fill:#5fbf8e}.b{fill:#ef8a77}"
    ".l{stroke:#a3afbd}.bg{fill:#12181f}}"
)


def harvests(outcomes: Sequence[Outcome], people: int) -> str:
    """Draw how many people each harvest reached, on a logarithmic scale, and when it was stopped."""
    top = log10(people)
    parts = [_line(log10(max(people / 100, 1)) / top, len(outcomes), "1 % of the people")]
    for number, one in enumerate(outcomes):
        width = log10(max(one.people, 1)) / top
        when = f"stopped after {_hours(one.hours)}" if one.stopped_by else f"not stopped in {_hours(one.hours)}"
        told = f"{one.people:,} people, {one.reads:,} reads, {when}"
        parts.append(_bar(number, one.shape.name, width, told, is_good=one.is_within_goal))
    return _picture("Harvests: people reached before the stop", f"of {people:,}, logarithmic", parts, len(outcomes))


def fullness(years: Sequence[Honest]) -> str:
    """Draw how full the budgets were at most in honest days, for each platform the fullest of each kind."""
    codes = list(years[0].fullest)
    parts = [_line(1.0, len(codes), "the budget")]
    for number, code in enumerate(codes):
        most = max(year.fullest[code] for year in years)
        parts.append(_bar(number, code, min(most, 1.2), f"{most:.0%} at most", is_good=most <= 1))
    return _picture("Honest days: how full each budget was", f"{len(years)} platforms", parts, len(codes))


def _hours(hours: int) -> str:
    if hours < 1:
        return "less than an hour"
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _bar(row: int, name: str, share: float, told: str, *, is_good: bool) -> str:
    y, width = _TOP + row * _ROW, max(2, round(share * _SPAN))
    return (
        f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{"g" if is_good else "b"}" x="{_LEFT}" y="{y}" width="{width}" height="20" rx="3"/>'
        f'<text class="h" x="{_LEFT + width + 8}" y="{y + 15}">{escape(told)}</text>'
    )


def _line(share: float, rows: int, told: str) -> str:
    x = _LEFT + round(share * _SPAN)
    return (
        f'<line class="l" x1="{x}" x2="{x}" y1="{_TOP - 8}" y2="{_TOP + rows * _ROW}"/>'
        f'<text class="h" x="{x}" y="{_TOP - 14}" text-anchor="middle">{escape(told)}</text>'
    )


def _picture(title: str, hint: str, parts: Sequence[str], rows: int) -> str:
    height = _TOP + rows * _ROW + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="title desc"><title id="title">{escape(title)}</title><desc id="desc">{escape(hint)}</desc>'
        f'<style>{_STYLE}</style><rect class="bg" width="{_WIDTH}" height="{height}"/>'
        f'<text class="t" x="16" y="30">{escape(title)}</text><text class="h" x="16" y="50">{escape(hint)}</text>'
        f"{''.join(parts)}</svg>\n"
    )
