"""Writes the results: JSON with every turn, Markdown with medians and spreads, a plot of rates."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.bench.peers.goals import Found, Goal
from tests.bench.peers.measuring import Figures, middle, plain

_COLUMNS = ("per_second", "p50_ms", "p99_ms", "cpu_us", "database_cpu_us", "process_mib")
_ROW, _LEFT, _WIDTH = 26, 330, 1000
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1d2733}.b{fill:#2c7a52}.bg{fill:#fff}"
    "@media(prefers-color-scheme: dark){text{fill:#e8edf3}.b{fill:#5fbf8e}.bg{fill:#12181f}}"
)


def write(folder: Path, machine: dict[str, Any], found: Found, beside: dict[str, Any], goals: Sequence[Goal]) -> None:
    """Write `peers.json`, `peers.md` and `peers.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine, "beside": beside, "goals": {one.name: one.found for one in goals}}
    (folder / "peers.json").write_text(json.dumps({**told, "turns": plain(found)}, indent=1), encoding="utf-8")
    (folder / "peers.md").write_text(markdown(machine, found, beside, goals), encoding="utf-8")
    (folder / "peers.svg").write_text(plot(found), encoding="utf-8")


def markdown(machine: dict[str, Any], found: Found, beside: dict[str, Any], goals: Sequence[Goal]) -> str:
    """Return the whole report: goals first, then what they rest on."""
    lines = ["# The broker beside others", "", "| goal | bound | found | |", "|---|---|---|---|"]
    lines += [one.words() for one in goals]
    lines += ["", "Ratios are medians of the ratios of each round. Below: median (least to most) of all rounds.", ""]
    lines += [f"- {name}: {value}" for name, value in {**machine, **beside}.items()]
    lines += ["", f"| | clients | {' | '.join(_COLUMNS)} | failed |", "|---|---" + "|---" * (len(_COLUMNS) + 1) + "|"]
    for name, rows in found.items():
        for clients, turns in rows.items():
            cells = " | ".join(_cell(turns, column) for column in _COLUMNS)
            lines.append(f"| {name} | {clients} | {cells} | {sum(one.failed for one in turns)} |")
    return "\n".join(lines) + "\n"


def _cell(turns: Sequence[Figures], column: str) -> str:
    values = [getattr(one, column) for one in turns]
    return f"{middle(turns, column):g} ({min(values):g} to {max(values):g})" if any(values) else ""


def plot(found: Found) -> str:
    """Draw requests a second at 16 clients as bars."""
    rates = {name: middle(rows[16], "per_second") for name, rows in found.items() if rows.get(16)}
    most, height = max(rates.values(), default=1.0), 70 + _ROW * len(rates)
    bars = []
    for number, (name, rate) in enumerate(rates.items()):
        y, width = 56 + number * _ROW, max(2, round(rate / most * (_WIDTH - _LEFT - 90)))
        bars.append(f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        bars.append(f'<rect class="b" x="{_LEFT}" y="{y}" width="{width}" height="18" rx="3"/>')
        bars.append(f'<text x="{_LEFT + width + 6}" y="{y + 14}">{rate:,.0f}</text>')
    title = "Requests a second at 16 clients"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"><title>{title}</title>'
        f"<desc>{escape(', '.join(f'{name}: {rate:,.0f}' for name, rate in rates.items()))}</desc>"
        f'<style>{_STYLE}</style><rect class="bg" width="{_WIDTH}" height="{height}"/>'
        f'<text x="16" y="32">{title}</text>{"".join(bars)}</svg>\n'
    )
