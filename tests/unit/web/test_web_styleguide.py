"""The style guide: every macro is in it, and only a sandbox has it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from web_world import World, words_of

from broker.edge.services import install
from broker.settings import Mode

MACROS = Path(__file__).resolve().parents[3] / "broker" / "web" / "templates" / "macros"


@pytest.mark.parametrize("file", ["ui", "forms"])
def test_every_macro_is_shown(world: World, file: str) -> None:
    page = world.browser().get("/styleguide")
    assert page.status_code == 200
    names = re.findall(r"{% macro (\w+)\(", (MACROS / f"{file}.html").read_text(encoding="utf-8"))
    assert names
    assert [name for name in names if f"<code>{file}.{name}</code>" not in page.text] == []


def test_only_a_sandbox_has_it(world: World) -> None:
    settings = replace(world.services.settings, mode=Mode.PRODUCTION)
    install(world.app, replace(world.services, settings=settings))
    assert world.browser().get("/styleguide").status_code == 404


def test_hostile_names_are_written_as_text(world: World) -> None:
    page = world.browser().get("/styleguide")
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in words_of(page)
