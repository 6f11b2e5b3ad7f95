"""The style guide: every macro is in it, and only a sandbox has it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from web_world import World, words_of

from broker.edge.services import install
from broker.settings import Mode

MACROS = Path(__file__).resolve().parents[3] / "broker" / "web" / "templates" / "macros"


@pytest.mark.parametrize("file", ["ui", "forms", "log", "charts"])
def test_every_macro_is_shown(world: World, file: str) -> None:
    page = world.browser().get("/styleguide")
    assert page.status_code == 200
    shown = re.findall(rf"{file}\.(\w+)", " ".join(re.findall("<code>(.*?)</code>", page.text)))
    assert set(shown) == set(macros_of(file)) != set()


@pytest.mark.parametrize("file", ["ui", "forms", "log", "charts"])
def test_every_macro_that_is_shown_is_used_by_a_page(file: str) -> None:
    """What pages do not use would be a style guide of something else."""
    own = {MACROS.parent / "styleguide.html", MACROS / f"{file}.html"}
    others = "".join(page.read_text(encoding="utf-8") for page in {*MACROS.parent.rglob("*.html")} - own)
    own_uses = (MACROS / f"{file}.html").read_text(encoding="utf-8")
    imported = "".join(re.findall(rf'{{% from "macros/{file}.html" import ([^%]*?)%}}', others))
    unused = [name for name in macros_of(file) if not re.search(rf"\b{name}\b", imported)]
    assert [name for name in unused if len(re.findall(rf"\b{name}\(", own_uses)) == 1] == []


def macros_of(file: str) -> list[str]:
    return re.findall(r"{% macro (\w+)\(", (MACROS / f"{file}.html").read_text(encoding="utf-8"))


def test_only_a_sandbox_has_it(world: World) -> None:
    settings = replace(world.services.settings, mode=Mode.PRODUCTION)
    install(world.app, replace(world.services, settings=settings))
    assert world.browser().get("/styleguide").status_code == 404


def test_hostile_names_are_written_as_text(world: World) -> None:
    page = world.browser().get("/styleguide")
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in words_of(page)
