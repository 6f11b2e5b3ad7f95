"""The consent page: a person reads who asks for what and why, narrows it, and says yes or no. It knows no OAuth."""

from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range

from broker.audit import reader
from broker.edge.answers import see_other, to_be_corrected
from broker.edge.gates import actor
from broker.edge.headers import allow_form_targets
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken, told
from broker.errors import ConsentRefused, InvalidRequest, PolicyRefused
from broker.grants.consents import PROPOSAL_LIFE
from broker.grants.contents import ONE_TIME_LIFE
from broker.grants.views import Grant
from broker.policy.terms import Choice
from broker.policy.vocabulary import Detail, GrantStatus, Precision
from broker.release import OwnAccount
from broker.web import parties, words
from broker.web.amendment import differences_of, former_choice
from broker.web.exact_places import has_passkey, page_that_asks, waits_for_passkey
from broker.web.forms import Form, parsed
from broker.web.how_often import how_often
from broker.web.offer import default_precision, offer_of, refuse_outdated
from broker.web.passkeys.ceremony import LONGEST_ANSWER
from broker.web.preview import Shown, shown_of
from broker.web.proposals import Proposal, approve, asker_of, own_proposal, refuse

blueprint = Blueprint("consent", __name__)

_log = structlog.get_logger(__name__)
_CHANGED = "grant-changed"
_SUPERSEDED = "amendment-superseded"
_FORBIDDEN, _CONFLICT = 403, 409
_OVER = {"consent-expired", "consent-decided", _SUPERSEDED}
_CORRECTABLE = {"consent-empty", "consent-too-wide", "consent-words-changed", "offer-changed", _CHANGED}
_LONGEST_DAYS = 3650


class _Pressed(Form):
    decision = fields.String(load_default=None, validate=OneOf(["approve", "deny"]))
    show = fields.String(load_default=None, validate=Length(max=40))


class _Choice(Form):
    category = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    account = fields.List(fields.String(validate=Length(max=64)), load_default=list)
    duration = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    history = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    detail = fields.Enum(Detail, by_value=True, load_default=Detail.BASIC)
    precision = fields.Enum(Precision, by_value=True, load_default=None)
    seen = fields.AwareDateTime(load_default=None)
    notice = fields.String(load_default="", validate=Length(max=64))
    answer = fields.String(load_default=None, validate=Length(max=LONGEST_ANSWER))


@blueprint.get("/consent/<uuid:grant_id>")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what is asked for, or why there is nothing left to decide."""
    proposal = own_proposal(str(grant_id))
    if proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
        return _closed(proposal)
    refuse_outdated(spoken(), proposal.asked)
    return _page(proposal, services().own_accounts.of(actor(), proposal.asked))


@blueprint.post("/consent/<uuid:grant_id>")
def decide(grant_id: UUID) -> ResponseReturnValue:
    """Take the decision and lead the browser back to where it came from; or show what a box would release."""
    proposal = own_proposal(str(grant_id))
    allow_form_targets([proposal.asked.return_origin])
    pressed = _pressed()
    return _preview(proposal, pressed["show"]) if pressed["show"] else _decided(proposal, pressed["decision"])


def _decided(proposal: Proposal, decision: str) -> ResponseReturnValue:
    try:
        return _approve(proposal) if decision == "approve" else _deny(proposal)
    except ConsentRefused as error:
        if error.code not in _OVER or wants_json():
            raise
        return _too_late(proposal.id, is_yes=decision == "approve")
    except PolicyRefused as error:
        return _turned_down(proposal.id, error)


def _deny(proposal: Proposal) -> ResponseReturnValue:
    refuse(proposal)
    return see_other(proposal.asked.return_path)


def _too_late(proposal_id: str, *, is_yes: bool) -> ResponseReturnValue:
    """Say what has become of the request; who only pressed the same button twice finds the way on to the app."""
    proposal = own_proposal(proposal_id)
    asked = proposal.asked
    was_same = asked.authorised_at is not None if is_yes else asked.status_code == "user-refused"
    return _closed(proposal, onward=asked.return_path if was_same else None), _CONFLICT


def _turned_down(proposal_id: str, error: PolicyRefused) -> ResponseReturnValue:
    """Say why the policies turned down what the person allowed, with the way on to the app, which is told of it."""
    proposal = own_proposal(proposal_id)
    if wants_json() or proposal.asked.status is not GrantStatus.REJECTED:
        raise error
    return _closed(proposal, onward=proposal.asked.return_path, reason=told(error)), _FORBIDDEN


def _pressed() -> dict[str, Any]:
    """Read which of the buttons was pressed; a form in which it was none, or two, decides nothing."""
    found = parsed(_Pressed(), request.form)
    if (found["decision"] is None) == (found["show"] is None):
        raise InvalidRequest("“decision” is missing or cannot be used.")
    return found


def _preview(proposal: Proposal, category: str) -> ResponseReturnValue:
    """Show the page again with the choices made and, below one category, what it would release. Nothing is granted."""
    if proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
        return _closed(proposal), _CONFLICT
    refuse_outdated(spoken(), proposal.asked)
    if proposal.asked.terms.category(category) is None:
        raise InvalidRequest("“show” is missing or cannot be used.")
    choice = _choice(proposal.asked, parsed(_Choice(), request.form))
    accounts = services().own_accounts.of(actor(), proposal.asked)
    return _page(proposal, accounts, choice, shown=shown_of(proposal, category, choice, accounts))


def _closed(proposal: Proposal, onward: str | None = None, reason: str = "") -> str:
    """Say that there is nothing left to decide, and where the log says what was decided.

    While a no to a request that is out of date still counts, it is the way back to the app.
    """
    asked, since, amendment = proposal.asked, proposal.decided_from, proposal.amendment
    may_return = asked.status_code == _SUPERSEDED and asked.expires_at > services().clock()
    if may_return:
        allow_form_targets([asked.return_origin])
    with services().database.read() as session:
        acts = reader.acts_of_user(session, asked.user_id, proposal.decisions) if since else []
    later = [entry for entry in acts if entry.grant_id == asked.id and since is not None and entry.at >= since]
    return render_template(
        "consent_closed.html",
        grant=asked,
        changes=amendment is not None,
        is_over=amendment is not None and amendment.grant.status.is_final,
        way_back=proposal.id if may_return else None,
        onward=onward,
        reason=reason,
        waits=PROPOSAL_LIFE,
        receipt=f"/consent/{proposal.id}/receipt" if asked.authorised_at else None,
        logged=later[-1:],  # newest first: what follows is about other requests
        events=words.EVENTS,
        **_who(asked),
    )


def _approve(proposal: Proposal) -> ResponseReturnValue:
    _refuse_closed(proposal.asked)
    refuse_outdated(spoken(), proposal.asked)
    sent = parsed(_Choice(), request.form)
    choice = _choice(proposal.asked, sent)
    if waits_for_passkey(choice, sent["answer"]):
        return page_that_asks(proposal.id, _who(proposal.asked)["platform"], [*sent])
    accounts = services().own_accounts.of(actor(), proposal.asked)
    try:
        offered = [account.offered for account in accounts]
        approve(proposal, asker_of(proposal), choice, offered, sent["seen"])
    except ConsentRefused as error:
        proposal = own_proposal(proposal.id)  # shown again as it stands now
        if error.code not in _CORRECTABLE or proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
            raise
        _log.info("consent.refused", code=error.code)  # no values: they are what somebody has forged
        return to_be_corrected(_page(proposal, accounts, choice, error))
    return see_other(proposal.asked.return_path)


def _refuse_closed(asked: Grant) -> None:
    """Stop before the bank is asked for accounts that nobody can pick any more.

    Raises:
        ConsentRefused: the request has expired or was answered.
    """
    if asked.status is GrantStatus.EXPIRED and asked.authorised_at is None:
        raise ConsentRefused("This request has expired. Go back to the app and start again.", code="consent-expired")
    if asked.status is not GrantStatus.AWAITING_AUTHORISATION:  # superseded by another change is told likewise
        raise ConsentRefused("This request has already been answered.", code="consent-decided")


def _choice(asked: Grant, sent: dict[str, Any]) -> Choice:
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


def _page(
    proposal: Proposal,
    accounts: list[OwnAccount],
    chosen: Choice | None = None,
    error: ConsentRefused | None = None,
    shown: Shown | None = None,
) -> str:
    asked, amendment, catalogue = proposal.asked, proposal.amendment, spoken()
    allow_form_targets([asked.return_origin])
    if amendment is not None and (chosen is None or (error and error.code == _CHANGED)):
        chosen = former_choice(amendment, asked.terms)
    return render_template(
        "consent.html",
        proposal_id=proposal.id,
        grant=asked,
        offer=offer_of(catalogue, asked, accounts, services().clock(), chosen),
        changes=differences_of(amendment, asked.terms, catalogue) if amendment else None,
        error=error,
        shown=shown,
        error_at=_place_of(error, chosen),
        often=how_often(catalogue, asked.terms),
        once=ONE_TIME_LIFE,
        forbidden=catalogue.forbidden.values(),
        notice=catalogue.notice_digest,
        has_passkey=has_passkey(),
        **_who(asked),
    )


def _place_of(error: ConsentRefused | None, chosen: Choice | None) -> str | None:
    """Return the part of the page where a mistake can be mended."""
    if error is None or chosen is None:
        return None
    return "accounts" if chosen.categories and not chosen.accounts else "categories"


def _who(asked: Grant) -> dict[str, str]:
    with services().database.read() as session:
        names = parties.names(session)
    return {"platform": names.platform(asked.platform_id), "bank": names.bank(asked.bank_id)}
