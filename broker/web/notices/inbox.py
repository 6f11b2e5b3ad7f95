"""The inbox: what happened to a person's sharing, newest first, and how much of it they have not read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields

from broker.edge.answers import rows, see_other
from broker.edge.gates import signed_in
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.visitor import visitor
from broker.edge.wording import language
from broker.errors import StorageUnavailable
from broker.notices.inbox import Told, listed, mark_read, unread
from broker.notices.words import Parties, Speech, Words, parties, words
from broker.web.forms import Form, parsed

blueprint = Blueprint("inbox", __name__)
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Item:
    """One notice as it stands on the page."""

    id: str
    words: Words
    topic: str
    at: datetime
    is_new: bool


class _Page(Form):
    before = fields.UUID(load_default=None)


class _Read(Form):
    notice = fields.UUID(load_default=None)


@blueprint.app_context_processor
def page_facts() -> dict[str, Any]:
    """Give every page a way to ask how much is unread; an error page must not ask, so it is a function."""
    return {"unread_notices": _unread}


@blueprint.get("/account/inbox")
def show() -> ResponseReturnValue:
    """Show what the person was told."""
    before = parsed(_Page(), request.args)["before"]
    with services().database.read() as session:
        named = parties(session)
        found = listed(session, signed_in().user_id, limit=_PAGE + 1, before=str(before) if before else None)
    items = [_item(one, named) for one in found[:_PAGE]]
    if wants_json():
        return rows([_as_json(one) for one in items])
    return render_template("inbox.html", items=items, has_more=len(found) > _PAGE, is_first=before is None)


@blueprint.post("/account/inbox/read")
def read() -> ResponseReturnValue:
    """Mark one notice as read, or all of them."""
    notice = parsed(_Read(), request.form)["notice"]
    with services().database.write() as session:
        mark_read(session, signed_in().user_id, services().clock(), str(notice) if notice else None)
    return see_other("/account/inbox")


def _item(one: Told, named: Parties) -> Item:
    said = words(one.notice, named, Speech(language()))
    return Item(one.id, said, one.notice.topic.value, one.created_at, is_new=one.read_at is None)


def _as_json(one: Item) -> dict[str, Any]:
    at = one.at.isoformat()
    return {"id": one.id, "title": one.words.title, "text": one.words.text, "at": at, "is_new": one.is_new}


def _unread() -> int:
    """Count what the visitor has not read, once a request; nothing for who is no person, or while it cannot be read."""
    if "unread_notices" not in g:
        g.unread_notices = 0
        who = visitor()
        if who is not None and who.role is None:
            try:
                with services().database.read() as session:
                    g.unread_notices = unread(session, who.user_id)
            except StorageUnavailable:
                pass  # the page that says so has a header too
    return cast("int", g.unread_notices)
