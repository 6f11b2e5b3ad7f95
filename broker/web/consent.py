"""The consent page: a person reads who asks for what and why, narrows it, and says yes or no. It knows no OAuth."""

from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from broker.audit import reader
from broker.edge.answers import see_other, to_be_corrected, to_be_tried_again
from broker.edge.gates import actor
from broker.edge.headers import allow_form_targets
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.wording import spoken, told
from broker.errors import BankUnavailable, ConsentRefused, InvalidRequest, PolicyRefused
from broker.grants.consents import PROPOSAL_LIFE
from broker.grants.contents import ONE_TIME_LIFE
from broker.grants.views import Grant
from broker.policy.terms import Choice
from broker.policy.vocabulary import GrantStatus
from broker.release import OwnAccount
from broker.translations import LANGUAGES
from broker.web import consent_choice, parties, words
from broker.web.amendment import differences_of, former_choice
from broker.web.consent_choice import ChoiceForm, Kept, choice_of
from broker.web.exact_places import has_passkey, page_for_consent, waits_for_passkey
from broker.web.forms import Form, parsed
from broker.web.how_often import how_often
from broker.web.language import switched
from broker.web.offer import offer_of, refuse_outdated
from broker.web.preview import Shown, shown_of
from broker.web.proposals import Proposal, approve, asker_of, own_proposal, refuse

blueprint = Blueprint("consent", __name__)

_log = structlog.get_logger(__name__)
_CHANGED = "grant-changed"
_SUPERSEDED = "amendment-superseded"
_FORBIDDEN, _CONFLICT = 403, 409
_OVER = {"consent-expired", "consent-decided", _SUPERSEDED}
_CORRECTABLE = {"consent-empty", "consent-too-wide", "consent-words-changed", "offer-changed", _CHANGED}


class _Pressed(Form):
    decision = fields.String(load_default=None, validate=OneOf(["approve", "deny"]))
    show = fields.String(load_default=None, validate=Length(max=40))
    again = fields.String(load_default=None, validate=OneOf(["yes"]))
    language = fields.String(load_default=None, validate=OneOf([*LANGUAGES]))


@blueprint.get("/consent/<uuid:grant_id>")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what is asked for, with what was picked before; or why there is nothing left to decide."""
    proposal = own_proposal(str(grant_id))
    if proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
        return _closed(proposal)
    refuse_outdated(spoken(), proposal.asked)
    kept = consent_choice.kept(proposal.id, proposal.asked)
    return _shown(proposal, _accounts(proposal)) if kept is None else _shown_again(proposal, kept)


@blueprint.post("/consent/<uuid:grant_id>")
def decide(grant_id: UUID) -> ResponseReturnValue:
    """Take the decision and lead the browser back to where it came from; or show the page again as the button says."""
    proposal = own_proposal(str(grant_id))
    allow_form_targets([proposal.asked.return_origin])
    pressed = _pressed()
    if pressed["language"]:
        return switched(pressed["language"], consent_choice.keep(proposal.id))
    return _decided(proposal, pressed["decision"]) if pressed["decision"] else _preview(proposal, pressed["show"])


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
    if sum(button is not None for button in found.values()) != 1:
        raise InvalidRequest("“decision” is missing or cannot be used.")
    return found


def _preview(proposal: Proposal, category: str | None) -> ResponseReturnValue:
    """Show the page again with the choices made and, below one category, what it would release. Nothing is granted."""
    if proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
        return _closed(proposal), _CONFLICT
    refuse_outdated(spoken(), proposal.asked)
    if category is not None and proposal.asked.terms.category(category) is None:
        raise InvalidRequest("“show” is missing or cannot be used.")
    choice = choice_of(proposal.asked, parsed(ChoiceForm(), request.form))
    accounts = _accounts(proposal)
    shown = shown_of(proposal, category, choice, accounts) if accounts is not None and category else None
    return _shown(proposal, accounts, choice, shown=shown, address=consent_choice.keep(proposal.id, looked_at=category))


def _shown_again(proposal: Proposal, kept: Kept) -> ResponseReturnValue:
    """Show the page with what was picked before; what a box would release was shown once and is not kept."""
    gone, accounts = None, _accounts(proposal)
    if kept.looked_at is not None:
        gone = Shown(kept.looked_at, problem=gettext("We did not keep what you saw here. Press “Show me” to see it."))
    if kept.mistake is None or accounts is None:
        return _shown(proposal, accounts, kept.choice, shown=gone)
    return to_be_corrected(_page(proposal, accounts, kept.choice, error=kept.mistake, shown=gone))


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
    sent = parsed(ChoiceForm(), request.form)
    choice = choice_of(proposal.asked, sent)
    if waits_for_passkey(choice, sent["answer"]):
        return page_for_consent(proposal.id, _who(proposal.asked)["platform"], [*sent])
    if (accounts := _accounts(proposal)) is None:
        return _shown(proposal, None, choice, address=consent_choice.keep(proposal.id))
    try:
        offered = [account.offered for account in accounts]
        approve(proposal, asker_of(proposal), choice, offered, sent["seen"])
    except ConsentRefused as error:
        proposal = own_proposal(proposal.id)  # shown again as it stands now
        if error.code not in _CORRECTABLE or proposal.asked.status is not GrantStatus.AWAITING_AUTHORISATION:
            raise
        _log.info("consent.refused", code=error.code)  # no values: they are what somebody has forged
        return see_other(consent_choice.keep(proposal.id, mistake=error))
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


def _accounts(proposal: Proposal) -> list[OwnAccount] | None:
    """Return the accounts that may be picked; None while the bank cannot be reached, and a person looks."""
    try:
        return services().own_accounts.of(actor(), proposal.asked)
    except BankUnavailable as error:
        if error.code != BankUnavailable.code or wants_json():
            raise
        _log.info("consent.bank_unreachable")
        return None


def _shown(
    proposal: Proposal,
    accounts: list[OwnAccount] | None,
    chosen: Choice | None = None,
    *,
    shown: Shown | None = None,
    address: str | None = None,
) -> ResponseReturnValue:
    """Answer with the page; without the bank it keeps what was chosen, for the next try.

    `address` shows the same choice to who comes back to the answer of a form.
    """
    page = _page(proposal, accounts, chosen, shown=shown, address=address)
    return page if accounts is not None else to_be_tried_again(page)


def _page(
    proposal: Proposal,
    accounts: list[OwnAccount] | None,
    chosen: Choice | None = None,
    *,
    error: ConsentRefused | None = None,
    shown: Shown | None = None,
    address: str | None = None,
) -> str:
    asked, amendment, catalogue = proposal.asked, proposal.amendment, spoken()
    allow_form_targets([asked.return_origin])
    if amendment is not None and (chosen is None or (error and error.code == _CHANGED)):
        chosen = former_choice(amendment, asked.terms)
    return render_template(
        "consent.html",
        proposal_id=proposal.id,
        grant=asked,
        offer=offer_of(catalogue, asked, accounts or [], services().clock(), chosen),
        is_unreachable=accounts is None,
        kept=chosen.accounts if chosen else (),
        changes=differences_of(amendment, asked.terms, catalogue) if amendment else None,
        problem=told(error) if error else None,
        shown=shown,
        error_at=_place_of(error, chosen),
        often=how_often(catalogue, asked.terms),
        once=ONE_TIME_LIFE,
        forbidden=catalogue.forbidden.values(),
        notice=catalogue.notice_digest,
        has_passkey=has_passkey(),
        again_at=address,
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
