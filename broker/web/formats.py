"""How pages write dates, counts and states: the Jinja filters."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from flask.blueprints import BlueprintSetupState
from flask_babel import get_locale, ngettext

_SOURCE = "en_GB"
_WEEKDAYS = {"en": "EEEE d MMMM y"}  # without the comma of Babel's own pattern
_COUNTS: Mapping[str, Callable[[int], str]] = {
    "day": lambda number: ngettext("%(num)d day", "%(num)d days", number),
    "hour": lambda number: ngettext("%(num)d hour", "%(num)d hours", number),
    "minute": lambda number: ngettext("%(num)d minute", "%(num)d minutes", number),
    "time": lambda number: ngettext("%(num)d time", "%(num)d times", number),
    "question": lambda number: ngettext("%(num)d question", "%(num)d questions", number),
    "record": lambda number: ngettext("%(num)d record", "%(num)d records", number),
    "permission": lambda number: ngettext("%(num)d permission", "%(num)d permissions", number),
    "live permission": lambda number: ngettext("%(num)d live permission", "%(num)d live permissions", number),
}


def _locale() -> Any:
    """Return the locale of this request's language; outside a request, as in the command line, English."""
    return get_locale() or _SOURCE


def _locale_of_page() -> Locale:
    return Locale.parse(str(_locale()))


def day(instant: datetime) -> str:
    """Write a day: `22 November 2026`."""
    return format_date(instant.astimezone(UTC), "long", locale=_locale())


def weekday(instant: datetime) -> str:
    """Write a day with its weekday: `Sunday 22 November 2026`."""
    locale = _locale()
    return format_date(instant.astimezone(UTC), _WEEKDAYS.get(str(locale)[:2], "full"), locale=locale)


def moment(instant: datetime) -> str:
    """Write a day and a time: `22 November 2026, 08:15 UTC`."""
    return f"{day(instant)}, {instant.astimezone(UTC):%H:%M} UTC"


def to_the_second(instant: datetime) -> str:
    """Write a day and a time with seconds: `2026-11-22 08:15:02`."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def clock_time(instant: datetime) -> str:
    """Write a time of day with seconds: `08:15:02`."""
    return f"{instant.astimezone(UTC):%H:%M:%S}"


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
    """Write a count with its noun, one of a closed list: `1 record`, `2 records`."""
    return _COUNTS[noun](number)


def figure(number: float | Decimal) -> str:
    """Write a number with the marks of the language: `12,345.67`."""
    return format_decimal(number, locale=_locale())


def money(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency (ISO 4217): `£1,234.50`, in Spanish `GBP 1,234.50`."""
    return format_currency(amount, currency, locale=_locale())


def exact_money(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency and every digit that it has; what is no currency stands before it as it is."""
    if currency not in _locale_of_page().currencies:
        return f"{currency} {amount:f}".strip()
    return format_currency(amount, currency, locale=_locale(), decimal_quantization=False)


def currency_name(code: str) -> str:
    """Write a currency's name with its code: `euro (EUR)`; a code that has none stays as it is."""
    name = _locale_of_page().currencies.get(code)
    return code if name is None else f"{name} ({code})"


def territory(code: str) -> str:
    """Return a country's name in the language of the page; a code that has none stays as it is."""
    return str(_locale_of_page().territories.get(code, code))


def inside(title: str) -> str:
    """Write a title so that it can stand within a sentence: `Your balances` becomes `your balances`."""
    return title[:1].lower() + title[1:]


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
        "figure": figure,
        "money": money,
        "inside": inside,
        "place": place,
    }
    state.app.jinja_env.filters.update(filters)
