"""The documentation as data: sections, tables, links."""

import re
from functools import cache
from pathlib import Path

from tests.architecture.tree import ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^(#{1,4}) +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def markdown_files() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code_blocks(path: Path) -> str:
    return _FENCE.sub("", text(path))


def code_blocks(path: Path, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text(path)) if found == language]


def headings(path: Path) -> list[str]:
    return [title for _, title in _HEADING.findall(without_code_blocks(path))]


def section(path: Path, title: str) -> str:
    """The text below a heading, up to the next heading of the same or a higher level."""
    body = without_code_blocks(path)
    found = [match for match in _HEADING.finditer(body) if match.group(2) == title]
    assert len(found) == 1, f"{path.name} has {len(found)} sections {title!r}"
    level, start = len(found[0].group(1)), found[0].end()
    later = (match.start() for match in _HEADING.finditer(body, start) if len(match.group(1)) <= level)
    return body[start : next(later, len(body))]


def rows(part: str) -> list[list[str]]:
    """The cells of every table row, without heads and rulers; backticks are taken off cells that are code alone."""
    lines = [line.strip() for line in part.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rulers = {number for number, row in enumerate(cells) if all(set(cell) <= set("-: ") for cell in row)}
    heads = {number - 1 for number in rulers}
    return [[_bare(cell) for cell in row] for number, row in enumerate(cells) if number not in rulers | heads]


def first_cells(part: str) -> list[str]:
    return [row[0] for row in rows(part)]


def _bare(cell: str) -> str:
    match = _CODE.fullmatch(cell)
    return match.group(1) if match else cell


def slug(title: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
