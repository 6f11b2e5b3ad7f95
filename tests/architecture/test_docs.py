"""The documentation leads somewhere: links, commands, paths and programs in it are real."""

import ast
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from tests.architecture.pages import DOCS, code_blocks, first_cells, headings, markdown_files, rows, section, slug, text
from tests.architecture.pages import without_code_blocks as prose
from tests.architecture.tree import PACKAGE, ROOT, code_line_count, name_of

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_TARGET = re.compile(r"^([a-z-]+):.*##", re.MULTILINE)
_README, _MAKEFILE = ROOT / "README.md", ROOT / "Makefile"
_HOUSE = DOCS / "explanation" / "house.md"
_TRUSTED = DOCS / "explanation" / "trusted-core.md"
_MOST_TRUSTED_LINES = 5_850  # ADR 0036; and the verifier 900 of its own: ADR 0017
_MOST_VERIFIER_LINES = 900
_LONGEST_DECISION = 14


@pytest.mark.parametrize("page", markdown_files(), ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        assert not anchor or anchor in {slug(title) for title in headings(file)}, target


@pytest.mark.parametrize("page", markdown_files(), ids=name_of)
def test_every_page_has_one_title_and_lines_that_fit(page: Path) -> None:
    titles = [line for line in prose(page).splitlines() if line.startswith("# ")]
    assert len(titles) == 1
    long = [line for line in prose(page).splitlines() if len(line) > 140 and not line.startswith("|")]
    assert long == [] or page.parent.name == "decisions"


def test_the_readme_names_the_commands_that_the_makefile_has() -> None:
    targets = set(_TARGET.findall(text(_MAKEFILE)))
    blocks = [line for block in code_blocks(_README, "sh") for line in block.splitlines()]
    assert {"make run", "make test"} <= set(blocks)
    assert {"run", "test", "check", "clean-sandbox"} <= targets
    for page in markdown_files():
        fenced = " ; ".join(code_blocks(page, "sh"))
        spans = " ; ".join(re.findall(r"`([^`\n]+)`", prose(page)))
        # In prose `make` is a verb; in code and spans it is the command.
        assert (
            set(re.findall(r"(?:^|; |\n)(?:[A-Z_]+=\S+ )?make ([a-z][a-z-]*)(?=\s|$)", f"{fenced} ; {spans}"))
            <= targets
        )


def test_the_one_line_to_install_is_the_same_everywhere() -> None:
    told = {
        line
        for path in (_README, ROOT / "requirements" / "make-venv.sh")
        for line in re.findall(r"apt-get install (?:[a-z0-9-]+ ?)+", text(path))
    }
    assert {line.strip() for line in told} == {"apt-get install make git python3-venv"}


def test_the_documentation_is_reached_from_the_readme() -> None:
    linked = {(_README.parent / target).resolve() for target in _LINK.findall(text(_README))}
    for page in DOCS.rglob("*.md"):
        assert page in linked or any(folder in linked for folder in page.parents), page


def test_every_python_program_in_the_documentation_can_be_read() -> None:
    blocks = [block for page in markdown_files() for block in code_blocks(page, "python")]
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_every_json_document_in_the_documentation_can_be_read() -> None:
    for page in markdown_files():
        for block in code_blocks(page, "json"):
            json.loads(block)


def test_every_picture_is_well_formed_and_has_words_for_those_who_do_not_see_it() -> None:
    pictures = sorted((DOCS / "img").glob("*.svg"))
    assert pictures
    for picture in pictures:
        root = ET.parse(picture).getroot()  # noqa: S314 - our own file
        assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc"}
        assert "prefers-color-scheme: dark" in text(picture)


def test_decisions_are_numbered_without_gaps_and_short() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        words = text(path)
        assert words.startswith(f"# {path.name[:4]}. ")
        assert len(words.splitlines()) <= _LONGEST_DECISION
        assert [part in words for part in ("Status: ", "**Decision.**", "**Why.**", "**Price.**")] == [True] * 4


def test_the_trusted_core_exists_and_is_small_enough_to_read() -> None:
    files = [ROOT / name for name in first_cells(section(_TRUSTED, "The trusted core").partition("\n## ")[0])]
    assert len(files) == len(set(files))
    assert sum(code_line_count(path) for path in files) <= _MOST_TRUSTED_LINES


def test_the_verifier_is_small_enough_to_read_and_listed_whole() -> None:
    files = [ROOT / name for name in first_cells(section(_TRUSTED, "The verifier").partition("\n## ")[0])]
    assert len(files) == len(set(files))
    assert {path for path in (PACKAGE / "tlog").glob("*.py") if path.name != "__init__.py"} == set(files)
    assert sum(code_line_count(path) for path in files) <= _MOST_VERIFIER_LINES


def test_the_house_is_told_as_the_import_contract_has_it() -> None:
    contracts = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    told = rows(section(_HOUSE, "The house").partition("\n## ")[0])
    assert [int(row[0]) for row in told] == list(reversed(range(len(layers))))
    assert [re.findall(r"\w+", row[1]) for row in told] == [re.findall(r"\w+", layer) for layer in layers]


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["version"]
    assert version in next(title for title in headings(ROOT / "CHANGELOG.md") if title.startswith("["))


def test_every_path_of_the_source_that_a_page_names_exists() -> None:
    for page in [*DOCS.rglob("*.md"), _README, ROOT / "SECURITY.md"]:
        for path in re.findall(r"`((?:broker|policies|tests)/[a-z0-9_./-]+)`", prose(page)):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
