"""The filter of a bank's access log: what is sent, what it means for the reading, and the query that says it again."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp
from sqlalchemy.orm import Session

from broker.audit import bank_log
from broker.audit.bank_log import After, Wanted
from broker.audit.vocabulary import Event
from broker.edge.services import services
from broker.users.service import Users
from broker.web.forms import Form

DECISIONS = ("allowed", "refused", "failed")
_PLACE = re.compile(r"[0-9]{4}(-[0-9]{1,4})?:[0-9]{1,18}\Z")
_DAYS = Range(date(1970, 1, 1), date(2999, 12, 31))
_CODE = Regexp(r"[a-z0-9-]{1,60}\Z")


class AccessForm(Form):
    """The query of the access log. `before` is the place of an entry: only older ones are shown.

    `customer` is the bank's word for its customer, or a pseudonym; `since` and `until` are days in UTC, both included.
    """

    customer = fields.String(load_default=None, validate=Length(max=200))
    platform = fields.String(load_default=None, validate=Length(max=64))
    category = fields.String(load_default=None, validate=Length(max=40))
    purpose = fields.String(load_default=None, validate=Length(max=40))
    decision = fields.String(load_default=None, validate=OneOf(DECISIONS))
    reason = fields.String(load_default=None, validate=_CODE)
    event = fields.Enum(Event, by_value=True, load_default=None)
    grant = fields.String(load_default=None, validate=Length(max=36))
    since = fields.Date(load_default=None, validate=_DAYS)
    until = fields.Date(load_default=None, validate=_DAYS)
    before = fields.String(load_default=None, validate=Regexp(_PLACE))


def wanted_of(session: Session, bank_id: str, sent: Mapping[str, Any]) -> Wanted:
    """Return what a filter means: a customer is looked up among those of this bank alone."""
    return Wanted(
        since=None if sent["since"] is None else _midnight(sent["since"]),
        until=None if sent["until"] is None else _midnight(sent["until"]) + timedelta(days=1),
        platform=sent["platform"],
        category=sent["category"],
        purpose=sent["purpose"],
        decision=sent["decision"],
        reason=sent["reason"],
        event=None if sent["event"] is None else sent["event"].value,
        grant=sent["grant"],
        subjects=None if sent["customer"] is None else _subjects(session, bank_id, sent["customer"]),
    )


def before_of(sent: Mapping[str, Any]) -> After | None:
    """Return the place before which the rows stand, None for the newest."""
    if sent["before"] is None:
        return None
    year, _, number = sent["before"].partition(":")
    return After(year, int(number))


def query_of(sent: Mapping[str, Any], older: After | None = None) -> dict[str, str]:
    """Return the query of a filter, with `older` that of the rows behind it."""
    told = {name: _text(value) for name, value in sent.items() if value is not None and name != "before"}
    return told if older is None else {**told, "before": f"{older.year}:{older.number}"}


def customers(session: Session, users: Users, bank_id: str, subjects: set[str]) -> dict[str, str]:
    """Return the bank's own words for its customers by pseudonym; those who were erased are left out."""
    people = bank_log.people(session, bank_id, subjects)
    known = {user_id: users.at_bank(session, user_id, bank_id) for user_id in set(people.values())}
    return {name: found.subject for name, user_id in people.items() if (found := known[user_id]) is not None}


def _subjects(session: Session, bank_id: str, word: str) -> frozenset[str]:
    user_id = services().users.known_as(session, bank_id, word)
    return bank_log.pseudonyms(session, bank_id, word, user_id)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _text(value: Any) -> str:
    if isinstance(value, Event):
        return value.value
    return value.isoformat() if isinstance(value, date) else str(value)
