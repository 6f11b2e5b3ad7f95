"""Whether the platform says that the person is there, by the headers of FAPI 1.0 and the Consumer Data Standards.

Not trusted: it is the platform's word. The person's address is looked at here and nowhere else; it is never kept.
"""

from email.utils import parsedate_to_datetime
from ipaddress import ip_address

from flask import request

from broker.errors import InvalidRequest

ADDRESS = "x-fapi-customer-ip-address"
SIGNED_IN_AT = "x-fapi-auth-date"
_LONGEST = 64


def is_attended() -> bool:
    """Say whether the call comes from a person who is using the platform now: then it names their address.

    When the person signed in there is the platform's matter; a date that is none is a mistake all the same
    (FAPI 1.0 Baseline §6.2.2; Consumer Data Standards, HTTP headers).

    Raises:
        InvalidRequest: a header is empty, repeated, or does not hold one IP address or one HTTP-date.
    """
    signed_in_at, address = request.headers.get(SIGNED_IN_AT), request.headers.get(ADDRESS)
    if signed_in_at is not None and not _is_date(signed_in_at):
        raise InvalidRequest(f"The header {SIGNED_IN_AT} must hold one HTTP-date.")
    if address is not None and not _is_address(address):
        raise InvalidRequest(f"The header {ADDRESS} must hold one IP address.")
    return address is not None


def _is_address(text: str) -> bool:
    try:
        ip_address(text[:_LONGEST])
    except ValueError:
        return False
    return "%" not in text  # the zone of a link means something on one machine only


def _is_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return False
    return len(text) <= _LONGEST and text.isascii()
