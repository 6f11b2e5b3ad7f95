"""The console's page of switches: what is off at a bank, and the forms by which its administrators flip its own."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Equal, Length

from broker.audit import reader
from broker.edge.answers import see_other, to_be_corrected
from broker.edge.gates import signed_in
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import ConsentRefused, InvalidRequest, NotFound, NotPermitted
from broker.grants.reader import live_between
from broker.platforms.service import PlatformKind, all_platforms
from broker.policy.reasons import readable
from broker.switches.reader import Listed, listed
from broker.switches.service import LONGEST_REASON, Hand
from broker.switches.views import Side, Target
from broker.web import drafts, parties, words
from broker.web.formats import counted, place
from broker.web.forms import Form, parsed
from broker.web.switch_words import for_staff, target_of

blueprint = Blueprint("switches", __name__)
_ADMIN = "admin"
_MOST_TOLD = 50


class Flip(StrEnum):
    """What a form does."""

    OFF = "off"
    ON = "on"


class FlipForm(Form):
    """The fields of the forms, and of the page that asks again. An absent part names nothing: it means all."""

    action = fields.Enum(Flip, by_value=True, required=True)
    platform = fields.String(load_default="", validate=Length(max=64))
    category = fields.String(load_default="", validate=Length(max=40))
    reason = fields.String(load_default="", validate=Length(max=2000))
    confirm = fields.String(load_default=None, validate=Equal("yes"))


_KEPT = frozenset(FlipForm().fields) - {"confirm"}


@blueprint.get("/console/<bank_id>/switches")
def show(bank_id: str) -> ResponseReturnValue:
    """Show what is off, who turned it off and why; administrators find the forms."""
    return _page(bank_id)


@blueprint.post("/console/<bank_id>/switches")
def flip(bank_id: str) -> ResponseReturnValue:
    """Flip what has been confirmed; anything else leads to the page that asks."""
    hand, sent = _hand(bank_id), parsed(FlipForm(), request.form)
    if sent["confirm"] is not None and (reason := _reason(sent)) is not None:
        return _flipped(hand, sent["action"], Target(bank_id, sent["platform"], sent["category"]), reason)
    return see_other(drafts.keep(f"/console/{bank_id}/switches/confirm", request.form, _KEPT))


@blueprint.get("/console/<bank_id>/switches/confirm")
def ask(bank_id: str) -> ResponseReturnValue:
    """Name the consequence, before anything happens; or show the form again, with what is wrong about it."""
    _hand(bank_id)
    draft = drafts.kept(f"/console/{bank_id}/switches/confirm")
    if draft is None:
        return see_other(f"/console/{bank_id}/switches")
    sent = parsed(FlipForm(), draft.sent)
    if (reason := _reason(sent)) is None:
        return to_be_corrected(_page(bank_id, sent))
    return _question(sent["action"], Target(bank_id, sent["platform"], sent["category"]), reason)


def _reason(sent: dict[str, Any]) -> str | None:
    """Return the reason as it is kept, None when it is none."""
    try:
        return readable(sent["reason"], LONGEST_REASON)
    except InvalidRequest:
        return None


def _hand(bank_id: str) -> Hand:
    """Return whose hand it is.

    Raises:
        NotPermitted: an auditor's: they look and change nothing.
    """
    who = signed_in()
    if who.role != _ADMIN:
        raise NotPermitted(gettext("Only administrators of the bank can turn something off or on."))
    return Hand(Side.BANK, who.name, bank_id, interaction_id())


def _flipped(hand: Hand, act: Flip, target: Target, reason: str) -> ResponseReturnValue:
    flip_it = services().switches.turn_off if act is Flip.OFF else services().switches.turn_on
    written = flip_it(hand, target, reason)
    with services().database.read() as session:
        about = for_staff(target, parties.names(session), spoken())
    done = gettext("Turned off: %(what)s.") if act is Flip.OFF else gettext("Turned on again: %(what)s.")
    flash(done % {"what": about})
    for one in written:
        flash(f"{place(one.log)}/{one.number}", "entry")
    return see_other(f"/console/{hand.bank_id}/switches")


def _question(act: Flip, target: Target, reason: str) -> ResponseReturnValue:
    with services().database.read() as session:
        bank, names = parties.bank_named(session, target.bank_id), parties.names(session)
        if target.platform_id not in {"", *names.platforms} or target.category not in {
            "",
            *spoken().categories,
        }:
            raise NotFound(gettext("There is no such app or kind of data."))
        count = live_between(session, target, services().clock())
        off = listed(session, services().sealer, target.bank_id)
    _refuse_done(act, target, off)
    others = [one for one in off if _goes_on(one, target)]
    about = for_staff(target, names, spoken())
    return render_template(
        "switch_confirm.html",
        bank=bank,
        act=act.value,
        target=target,
        reason=reason,
        about=about,
        affected=counted(count, "live permission"),
        others=[for_staff(one.switch.target, names, spoken()) for one in others] if act is Flip.ON else [],
    )


def _refuse_done(act: Flip, target: Target, off: Sequence[Listed]) -> None:
    """Say to who comes back to an old page that it is done.

    Raises:
        ConsentRefused: the bank's own switch stands so already.
    """
    is_off = any(one.switch.target == target and one.switch.side is Side.BANK for one in off)
    if is_off is (act is Flip.OFF):
        told = gettext("It is off already.") if is_off else gettext("It is not off, or not by your bank.")
        raise ConsentRefused(told, code="switch-unchanged")


def _goes_on(one: Listed, target: Target) -> bool:
    """Say whether another switch may stop some of it all the same."""
    is_same = one.switch.target == target and one.switch.side is Side.BANK
    apart = {"", one.switch.target.platform_id, target.platform_id}, {"", one.switch.target.category, target.category}
    return not is_same and all(len(parts - {""}) <= 1 for parts in apart)


def _page(bank_id: str, sent: dict[str, Any] | None = None) -> str:
    """Return the page; with a form that was sent, it is shown again because its reason is none."""
    with services().database.read() as session:
        bank = parties.bank_named(session, bank_id)
        names = parties.names(session)
        off = listed(session, services().sealer, bank_id)
        flips = reader.switches_at(session, services().sealer, bank_id, _MOST_TOLD)
        platforms = [one for one in all_platforms(session) if one.kind is PlatformKind.PLATFORM]
    catalogue = spoken()
    return render_template(
        "switches.html",
        bank=bank,
        is_admin=signed_in().role == _ADMIN,
        off=[(one, for_staff(one.switch.target, names, catalogue), one.switch.side is Side.BANK) for one in off],
        flips=flips,
        about=lambda entry: for_staff(target_of(entry), names, catalogue),
        events=words.EVENTS,
        platforms=platforms,
        categories=catalogue.categories.values(),
        longest=LONGEST_REASON,
        sent=sent or {},
        error=sent is not None,
        problem=gettext("A reason is needed, of at most %(most)s visible characters.", most=LONGEST_REASON),
    )
