"""What a person picks on the consent page: the fields of its form, read as a choice, and kept to be shown again."""

from dataclasses import dataclass
from typing import Any

from flask import request
from marshmallow import fields
from marshmallow.validate import Length, Range

from broker.edge.wording import spoken
from broker.errors import ConsentRefused
from broker.grants.views import Grant
from broker.policy.terms import Choice
from broker.policy.vocabulary import Detail, Precision
from broker.web import drafts
from broker.web.forms import Form, parsed
from broker.web.offer import default_precision
from broker.web.passkeys.ceremony import LONGEST_ANSWER

_LONGEST_DAYS = 3650
_PICKED = ("category", "account", "duration", "history", "detail", "precision")


class ChoiceForm(Form):
    """The fields of the consent page, and what it says of itself: its words, the state it showed, the passkey."""

    category = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    account = fields.List(fields.String(validate=Length(max=64)), load_default=list)
    duration = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    history = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    detail = fields.Enum(Detail, by_value=True, load_default=Detail.BASIC)
    precision = fields.Enum(Precision, by_value=True, load_default=None)
    seen = fields.AwareDateTime(load_default=None)
    notice = fields.String(load_default="", validate=Length(max=64))
    answer = fields.String(load_default=None, validate=Length(max=LONGEST_ANSWER))


@dataclass(frozen=True, slots=True)
class Kept:
    """A choice that was made before: what was wrong about it, and which category was looked at."""

    choice: Choice
    mistake: ConsentRefused | None
    looked_at: str | None


def choice_of(asked: Grant, sent: dict[str, Any]) -> Choice:
    """Read the choice; a step that was not sent counts as the page's own default, never as the most that was asked."""
    catalogue = spoken()
    details, precisions = {}, {}
    for term in asked.terms.categories:
        default = default_precision(catalogue.categories[term.name], term)
        if term.detail is not None:
            details[term.name] = sent["detail"]
        if default is not None:
            precisions[term.name] = sent["precision"] or default
    return Choice(
        categories=tuple(sent["category"]),
        accounts=tuple(sent["account"]),
        duration_days=sent["duration"],
        lookback_days=sent["history"],
        details=details,
        precisions=precisions,
        notice=sent["notice"],
    )


def keep(proposal_id: str, *, mistake: ConsentRefused | None = None, looked_at: str | None = None) -> str:
    """Keep what this form picks and return the address of the consent page that shows it."""
    wrong = [mistake.code, mistake.wording, dict(mistake.values or {})] if mistake else None
    return drafts.keep(f"/consent/{proposal_id}", request.form, _PICKED, mistake=wrong, looked_at=looked_at)


def kept(proposal_id: str, asked: Grant) -> Kept | None:
    """Return what was picked before, if the address says so.

    Raises:
        InvalidRequest: what was sent then cannot be read.
    """
    draft = drafts.kept(f"/consent/{proposal_id}")
    if draft is None:
        return None
    wrong = draft.facts["mistake"]
    mistake = ConsentRefused(wrong[1], code=wrong[0], values=wrong[2]) if wrong else None
    return Kept(choice_of(asked, parsed(ChoiceForm(), draft.sent)), mistake, draft.facts["looked_at"])
