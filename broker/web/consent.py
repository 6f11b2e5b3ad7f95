"""The consent page: a person reads who asks for what and why, narrows it, and says yes or no. It knows no OAuth."""

from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range

from broker.audit import reader
from broker.audit.vocabulary import Event
from broker.edge.answers import see_other, to_be_corrected
from broker.edge.gates import actor
from broker.edge.headers import allow_form_targets
from broker.edge.services import services
from broker.errors import ConsentRefused, NotFound
from broker.grants.consents import PROPOSAL_LIFE, Asker
from broker.grants.contents import ONE_TIME_LIFE
from broker.grants.views import Grant
from broker.platforms import service as platforms
from broker.policy.terms import Choice
from broker.policy.vocabulary import Detail, GrantStatus, Precision
from broker.release import OwnAccount
from broker.web import parties, words
from broker.web.forms import Form, parsed
from broker.web.offer import default_precision, offer_of, refuse_outdated

blueprint = Blueprint("consent", __name__)

_log = structlog.get_logger(__name__)
_CORRECTABLE = {"consent-empty", "consent-too-wide"}
_LONGEST_DAYS = 3650


class _Decision(Form):
    decision = fields.String(required=True, validate=OneOf(["approve", "deny"]))


class _Choice(Form):
    category = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    account = fields.List(fields.String(validate=Length(max=64)), load_default=list)
    duration = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    history = fields.Integer(load_default=None, validate=Range(1, _LONGEST_DAYS))
    detail = fields.Enum(Detail, by_value=True, load_default=Detail.BASIC)
    precision = fields.Enum(Precision, by_value=True, load_default=None)


@blueprint.get("/consent/<uuid:grant_id>")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what is asked for, or why there is nothing left to decide."""
    proposal = _own_proposal(grant_id)
    if proposal.status is not GrantStatus.AWAITING_AUTHORISATION:
        return _closed(proposal)
    refuse_outdated(services().catalogue, proposal)
    return _page(proposal, services().own_accounts.of(actor(), proposal))


@blueprint.post("/consent/<uuid:grant_id>")
def decide(grant_id: UUID) -> ResponseReturnValue:
    """Take the decision and lead the browser back to where it came from."""
    proposal = _own_proposal(grant_id)
    allow_form_targets([proposal.return_origin])
    if parsed(_Decision(), request.form)["decision"] == "deny":
        services().consents.refuse(actor(), proposal.id)
        return see_other(proposal.return_path)
    return _approve(proposal)


def _closed(proposal: Grant) -> ResponseReturnValue:
    """Say that there is nothing left to decide, and where the log says what was decided."""
    with services().database.read() as session:
        acts = reader.acts_of_user(session, proposal.user_id, (Event.GRANT_APPROVED, Event.GRANT_REFUSED))
    return render_template(
        "consent_closed.html",
        grant=proposal,
        waits=PROPOSAL_LIFE,
        logged=[entry for entry in acts if entry.grant_id == proposal.id],
        events=words.EVENTS,
        **_who(proposal),
    )


def _approve(proposal: Grant) -> ResponseReturnValue:
    _refuse_closed(proposal)
    refuse_outdated(services().catalogue, proposal)
    choice = _choice(proposal, parsed(_Choice(), request.form))
    accounts = services().own_accounts.of(actor(), proposal)
    try:
        offered = [account.offered for account in accounts]
        services().consents.approve(actor(), proposal.id, _asker(proposal), choice, offered)
    except ConsentRefused as error:
        if error.code not in _CORRECTABLE:
            raise
        _log.info("consent.refused", code=error.code)  # no values: they are what somebody has forged
        return to_be_corrected(_page(proposal, accounts, choice, error))
    return see_other(proposal.return_path)


def _refuse_closed(proposal: Grant) -> None:
    """Stop before the bank is asked for accounts that nobody can pick any more.

    Raises:
        ConsentRefused: the request has expired or was answered.
    """
    if proposal.status is GrantStatus.EXPIRED and proposal.authorised_at is None:
        raise ConsentRefused("This request has expired. Go back to the app and start again.", code="consent-expired")
    if proposal.status is not GrantStatus.AWAITING_AUTHORISATION:
        raise ConsentRefused("This request has already been answered.", code="consent-decided")


def _own_proposal(grant_id: UUID) -> Grant:
    """Return the person's proposal; somebody else's answers like one that does not exist.

    Raises:
        NotFound: unknown, or not theirs.
    """
    with services().database.read() as session:
        found = services().grant_reader.find(session, str(grant_id), services().clock())
    if found is None or found.user_id != actor().user_id:
        raise NotFound("There is no such request for you. Go back to the app and start again.")
    return found


def _asker(proposal: Grant) -> Asker:
    """Return what the platform is registered for now, not what it was when it asked.

    Raises:
        NotFound: the platform is no longer registered.
    """
    with services().database.read() as session:
        platform = platforms.find(session, proposal.platform_id)
    if platform is None:
        raise NotFound("The app that asked is no longer known here.")
    return Asker(platform.id, frozenset(platform.purposes), frozenset(platform.scopes))


def _choice(proposal: Grant, sent: dict[str, Any]) -> Choice:
    """Read the choice; a step that was not sent counts as the page's own default, never as the most that was asked."""
    catalogue = services().catalogue
    details, precisions = {}, {}
    for term in proposal.terms.categories:
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
    )


def _page(
    proposal: Grant, accounts: list[OwnAccount], chosen: Choice | None = None, error: ConsentRefused | None = None
) -> str:
    allow_form_targets([proposal.return_origin])
    offer = offer_of(services().catalogue, proposal, accounts, services().clock(), chosen)
    return render_template(
        "consent.html",
        grant=proposal,
        offer=offer,
        error=error,
        error_at=_place_of(error, chosen),
        once=ONE_TIME_LIFE,
        forbidden=services().catalogue.forbidden.values(),
        **_who(proposal),
    )


def _place_of(error: ConsentRefused | None, chosen: Choice | None) -> str | None:
    """Return the part of the page where a mistake can be mended."""
    if error is None or chosen is None:
        return None
    return "accounts" if chosen.categories and not chosen.accounts else "categories"


def _who(proposal: Grant) -> dict[str, str]:
    with services().database.read() as session:
        names = parties.names(session)
    return {"platform": names.platform(proposal.platform_id), "bank": names.bank(proposal.bank_id)}
