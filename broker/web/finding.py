"""Finding a permission among many on My sharing: search in names, filters, and a page at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range

from broker.policy.vocabulary import GrantStatus
from broker.web.cards import Card
from broker.web.endings import LABELS, Ending, ending_of
from broker.web.forms import Form

LONGEST_SEARCH = 100
_PAGE = 20
_STATES: Mapping[str, tuple[Any, Callable[[Card], bool]]] = {
    "on": (lazy_gettext("On"), lambda card: card.label.tone == "on"),
    "paused": (lazy_gettext("Paused"), lambda card: card.grant.status is GrantStatus.PAUSED),
    "off": (lazy_gettext("Turned off"), lambda card: card.is_whole_off),
    "soon": (lazy_gettext("Ends soon"), lambda card: card.days_left is not None),
    "unused": (lazy_gettext("Not used"), lambda card: card.is_stale or card.is_unused),
}
_ENDED = "ended-"
STATES = [
    *((name, words) for name, (words, _) in _STATES.items()),
    *((_ENDED + ending.value, LABELS[ending].words) for ending in Ending),
]
"""The states to choose from, with their words."""


class FindForm(Form):
    """The query of My sharing."""

    q = fields.String(load_default="", validate=Length(max=LONGEST_SEARCH))
    state = fields.String(load_default=None, validate=OneOf([name for name, _ in STATES]))
    app = fields.String(load_default=None, validate=Length(max=64))
    bank = fields.String(load_default=None, validate=Length(max=64))
    page = fields.Integer(load_default=1, validate=Range(1, 100_000))


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what fits: first what lives, then what has ended. `query` is the filter without the page."""

    cards: tuple[Card, ...]
    number: int
    page: int
    pages: int
    query: dict[str, str]

    @property
    def live(self) -> list[Card]:
        """Return the permissions on this page that live."""
        return [card for card in self.cards if not card.is_past]

    @property
    def past(self) -> list[Card]:
        """Return those that have ended."""
        return [card for card in self.cards if card.is_past]


def found_among(cards: Sequence[Card], wanted: Mapping[str, Any]) -> Found:
    """Return one page of the cards that fit; a page beyond the last shows the last."""
    fitting = [card for card in cards if _fits(card, wanted)]
    fitting.sort(key=lambda card: card.is_past)
    pages = max(1, -(-len(fitting) // _PAGE))
    page = min(wanted["page"], pages)
    query = {name: str(wanted[name]) for name in ("q", "state", "app", "bank") if wanted[name]}
    return Found(tuple(fitting[(page - 1) * _PAGE : page * _PAGE]), len(fitting), page, pages, query)


def _fits(card: Card, wanted: Mapping[str, Any]) -> bool:
    return (
        wanted["app"] in {None, card.grant.platform_id}
        and wanted["bank"] in {None, card.grant.bank_id}
        and _is_in(card, wanted["state"])
        and all(word in _names(card) for word in wanted["q"].casefold().split())
    )


def _is_in(card: Card, state: str | None) -> bool:
    if state is None:
        return True
    if state.startswith(_ENDED):
        ending = ending_of(card.grant)
        return ending is not None and state == _ENDED + ending.value
    return not card.is_past and _STATES[state][1](card)


def _names(card: Card) -> str:
    parts = (*card.categories, *card.accounts)
    return "\n".join((card.platform, card.bank, card.purpose, *(part.title for part in parts))).casefold()
