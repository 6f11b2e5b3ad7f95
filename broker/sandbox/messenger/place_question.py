"""Reads "was my card used in Leeds, United Kingdom?": a country, or a town with its country."""

import re

from .bank_warnings import COUNTRIES

ASKED = re.compile(r"\bused in\s+(.+?)(?:\s+(?:today|lately|recently|yesterday))?\s*[?.!]*$", re.IGNORECASE)
OTHER_NAMES = {"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US", "turkey": "TR"}
LONGEST_TOWN = 100
LETTERS_OF_A_CODE = 2


def place_of(question: str) -> dict[str, str] | None:
    """Return the place that is meant, as questions name it; None when there is no country in it."""
    found = ASKED.search(question)
    if found is None:
        return None
    town, _, country = found[1].rpartition(",")
    code = _code(country.strip())
    if code is None or len(town) > LONGEST_TOWN:
        return None
    return {"country": code} | ({"townName": town.strip()} if town.strip() else {})


def _code(name: str) -> str | None:
    wanted = name.casefold().removeprefix("the ")
    named = (code for code, word in COUNTRIES.items() if str(word).casefold() == wanted)
    return OTHER_NAMES.get(wanted) or next((code for code in named if len(code) == LETTERS_OF_A_CODE), None)
