"""`python -m tests.bench.servers [--seconds S] [--json FILE] [NAME ...]`: one table, and the figures as JSON."""

import argparse
import importlib.util
import json
import tempfile
from pathlib import Path

from tests.bench.servers.launch import CANDIDATES
from tests.bench.servers.probes import PROBES, Figures
from tests.bench.servers.running import Running


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.servers")
    parser.add_argument("names", nargs="*", choices=[*CANDIDATES, []], default=[])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each load")
    parser.add_argument("--port", type=int, default=31990)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def _measure(name: str, port: int, seconds: float, folder: Path) -> Figures:
    figures: Figures = {}
    for probe in PROBES:
        with Running(name, port, folder) as server:
            figures |= probe(server, seconds)
    return figures


def _table(results: dict[str, Figures]) -> str:
    rows = [["", *results], *([key, *[str(f.get(key, "")) for f in results.values()]] for key in _keys(results))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _keys(results: dict[str, Figures]) -> list[str]:
    return list(dict.fromkeys(key for figures in results.values() for key in figures))


def main() -> None:
    arguments = _arguments()
    results: dict[str, Figures] = {}
    for name in arguments.names or CANDIDATES:
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed")  # noqa: T201 - the output of a command
            continue
        with tempfile.TemporaryDirectory() as folder:
            results[name] = _measure(name, arguments.port, arguments.seconds, Path(folder))
    print(_table(results))  # noqa: T201 - the output of a command
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
