"""How pages write dates, counts and states: the Jinja filters."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

from babel.dates import format_date, format_datetime, format_time
from flask.blueprints import BlueprintSetupState

_LOCALE = "en_GB"


def day(instant: datetime) -> str:
    """Write a day: `22 November 2026`."""
    return format_date(instant.astimezone(UTC), "d MMMM y", locale=_LOCALE)


def weekday(instant: datetime) -> str:
    """Write a day with its weekday: `Sunday 22 November 2026`."""
    return format_date(instant.astimezone(UTC), "EEEE d MMMM y", locale=_LOCALE)


def moment(instant: datetime) -> str:
    """Write a day and a time: `22 November 2026, 08:15 UTC`."""
    return format_datetime(instant, "d MMMM y, HH:mm 'UTC'", tzinfo=UTC, locale=_LOCALE)


def to_the_second(instant: datetime) -> str:
    """Write a day and a time with seconds: `2026-11-22 08:15:02`."""
    return format_datetime(instant, "yyyy-MM-dd HH:mm:ss", tzinfo=UTC, locale=_LOCALE)


def clock_time(instant: datetime) -> str:
    """Write a time of day with seconds: `08:15:02`."""
    return format_time(instant, "HH:mm:ss", tzinfo=UTC, locale=_LOCALE)


def exact(instant: datetime) -> str:
    """Write an instant for machines, RFC 3339 UTC with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def days(number: int) -> str:
    """Write a number of days: `1 day`, `90 days`."""
    return counted(number, "day")


def minutes(life: timedelta) -> str:
    """Write a short span of time: `1 minute`, `10 minutes`."""
    return counted(life // timedelta(minutes=1), "minute")


def counted(number: int, noun: str) -> str:
    """Write a count with its noun: `1 record`, `2 records`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def inside(title: str) -> str:
    """Write a title so that it can stand within a sentence: `Your balances` becomes `your balances`."""
    return title[:1].lower() + title[1:]


def upright(label: str) -> str:
    """Write an account's name and number so that the number stays behind a name that runs from right to left."""
    if not any(unicodedata.bidirectional(character) in {"R", "AL"} for character in label):
        return label
    name, _, number = label.rpartition(" ")
    return f"{name}\N{LEFT-TO-RIGHT MARK} {number}"


def place(log: str) -> str:
    """Shorten a log's name to what tells it from the others here: `harbor/2026`."""
    return "/".join(log.split("/")[-2:])


def register(state: BlueprintSetupState) -> None:
    """Give the filters to the application that mounts a blueprint."""
    filters: dict[str, Any] = {
        "day": day,
        "weekday": weekday,
        "moment": moment,
        "to_the_second": to_the_second,
        "clock_time": clock_time,
        "exact": exact,
        "days": days,
        "minutes": minutes,
        "counted": counted,
        "inside": inside,
        "upright": upright,
        "place": place,
    }
    state.app.jinja_env.filters.update(filters)
