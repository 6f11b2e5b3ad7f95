"""What somebody sent in a form that is to be shown again, kept in their own session.

So the page that shows it has an address: Back and Reload open it anew, and no browser has to send a form again. What
people tick and write stands in it, never data of a bank.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import request, session
from marshmallow import fields
from marshmallow.validate import Length
from werkzeug.datastructures import MultiDict

from broker.errors import InvalidRequest
from broker.web.forms import Form, parsed

_DRAFTS = "drafts"
_MOST = 8
_LONGEST = 32_000
_KEY_LENGTH = 16


class _Which(Form):
    draft = fields.String(load_default="", validate=Length(max=_KEY_LENGTH))


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields that were sent, and what the page that shows them has to know besides."""

    sent: MultiDict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)


def keep(page: str, sent: MultiDict[str, str], names: Collection[str], **facts: Any) -> str:
    """Keep these fields for a page of ours and return the address that shows them; the oldest go beyond eight.

    Raises:
        InvalidRequest: it is more than anybody writes into a form.
    """
    pairs = [[name, value] for name, value in sent.items(multi=True) if name in names]
    content = json.dumps([page, pairs, facts])
    if len(content) > _LONGEST:
        raise InvalidRequest("This form holds too much.")
    key = hashlib.sha256(content.encode()).hexdigest()[:_KEY_LENGTH]
    drafts = {name: draft for name, draft in session.get(_DRAFTS, {}).items() if name != key}
    drafts[key] = [page, pairs, facts]
    session[_DRAFTS] = dict(list(drafts.items())[-_MOST:])
    return f"{page}?{urlencode({'draft': key})}"


def kept(page: str) -> Draft | None:
    """Return the draft that this request's address names; None when it names none of this page and this session."""
    found = session.get(_DRAFTS, {}).get(parsed(_Which(), request.args)["draft"])
    if found is None or found[0] != page:
        return None
    return Draft(MultiDict((name, value) for name, value in found[1]), found[2])
