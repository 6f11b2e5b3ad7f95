"""Runs the program of a how-to page as its reader would, and plays the person whom it sends to the broker."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.architecture.pages import DOCS, code_blocks
from tests.support.actors import Person

OWN_CLIENT = [
    *(("registered", "Chatty"), ("balances", 200), ("read", "balances")),
    *(("changed", "Chatty Plus: balances transactions"), ("balances after the change", 200)),
    *(("removed", 204), ("read again", 401), ("balances without a client", 401)),
]
"""What the programs tell that register a client of their own."""


def programs_of(page: str, language: str) -> tuple[str, str]:
    """The two programs of a how-to page: the whole way with a client that there is, and with one of its own."""
    whole_way, own_client = code_blocks(DOCS / "how-to" / page, language)
    return whole_way, own_client


def decides(person: Person, decision: str) -> Callable[[str], str]:
    """Make a person who opens an address, signs in where asked, ticks everything, and says yes or no."""

    def decide(address: str) -> str:
        page = person.browser.get(address)
        if any("bank" in form.selects for form in page.forms):
            page = person.signs_in_from(page)
        form = page.form("category", "decision")
        if decision == "deny":
            return person.browser.submit(page, form, decision="deny").url
        ticked = {"category": form.choices("category"), "account": form.choices("account")}
        return person.browser.submit(page, form, decision="approve", **ticked).url

    return decide


def walked(command: list[str], folder: Path, decide: Callable[[str], str], **environment: str) -> list[tuple[str, Any]]:
    """Run a program that tells JSON lines; answer each `open` with the address where the browser ends up."""
    told: list[tuple[str, Any]] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            ((name, value),) = json.loads(line).items()
            told.append((name, value))
            if name == "open":
                running.stdin.write(decide(value) + "\n")
                running.stdin.flush()
        said = running.stderr.read()
    assert running.returncode == 0, (told, said[-2_000:])
    return told
