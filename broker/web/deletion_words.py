"""Says in plain words where a request to delete stands, and what the person can do when nothing happens."""

from dataclasses import dataclass

from flask_babel import gettext

from broker.grants.deletion_views import Deletion, Statement
from broker.web.formats import day, moment
from broker.web.words import REASONS


@dataclass(frozen=True, slots=True)
class Told:
    """A request to delete in words: `lines` say where it stands, `advice` what to do when its time is over."""

    deletion: Deletion
    lines: tuple[str, ...]
    advice: tuple[str, ...]


def told(deletion: Deletion, app: str) -> Told:
    """Say where a request stands."""
    asked = gettext("You asked %(app)s on %(day)s to delete what it has.", app=app, day=day(deletion.requested_at))
    return Told(deletion, (asked, *_answers(deletion, app)), _advice(app) if deletion.is_overdue else ())


def _answers(deletion: Deletion, app: str) -> list[str]:
    if deletion.completed_at is not None:
        return _completed(deletion, app)
    until = day(deletion.respond_by)
    lines = []
    if deletion.acknowledged_at is not None:
        lines.append(gettext("%(app)s confirmed it on %(when)s.", app=app, when=moment(deletion.acknowledged_at)))
    if deletion.is_overdue:
        lines.append(
            gettext("It had to be done by %(day)s. %(app)s has not said that it is.", app=app, day=until)
            if deletion.acknowledged_at
            else gettext("It had to be done by %(day)s. %(app)s has not answered.", app=app, day=until)
        )
    elif deletion.acknowledged_at is None:
        lines.append(gettext("It has not answered yet. It has until %(day)s.", day=until))
    else:
        lines.append(gettext("It has until %(day)s to do it.", day=until))
    return lines


def _completed(deletion: Deletion, app: str) -> list[str]:
    when = moment(deletion.completed_at or deletion.requested_at)
    if deletion.statement is Statement.PARTLY_RETAINED:
        kept = deletion.kept_because
        return [
            gettext("%(app)s says that it deleted what it could on %(when)s.", app=app, when=when),
            gettext("It kept a part: %(why)s.", why=REASONS[kept.value] if kept else ""),
        ]
    return [gettext("%(app)s says that it deleted everything on %(when)s.", app=app, when=when)]


def _advice(app: str) -> tuple[str, ...]:
    return (
        gettext("Write to %(app)s and name the day on which you asked.", app=app),
        gettext("If that does not help, complain to the data protection authority of your country."),
        gettext("The receipt of your request proves that you asked, and when."),
    )
