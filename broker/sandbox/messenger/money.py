"""Money and dates as people read them. Amounts are decimal strings on the wire and Decimal here."""

import re
from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

LOCALE = "en_GB"
AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?")
CURRENCY = re.compile(r"[A-Z]{3}")


def parse_amount(value: object) -> Decimal:
    """Read a decimal string.

    Raises:
        ValueError: it is not a plain decimal string.

    """
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise ValueError("an amount must be a decimal string")
    return Decimal(value)


def show_amount(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency, such as £1,234.50."""
    return format_currency(amount, currency, locale=LOCALE)


def show_day(day: date) -> str:
    """Write a day, such as 3 Nov 2026, in a way that no line breaks in it."""
    return format_date(day, "d MMM y", locale=LOCALE).replace(" ", "\N{NO-BREAK SPACE}")


def show_instant(at: datetime) -> str:
    """Write a day and a time in UTC."""
    return format_datetime(at, "d MMM y, HH:mm 'UTC'", locale=LOCALE)
