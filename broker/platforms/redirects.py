"""Which redirect URIs a platform may register; afterwards they are compared character by character."""

import re
from urllib.parse import urlsplit

from broker.errors import InvalidRequest

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_URL = re.compile(r"[!-~]{1,2000}")
# `[::1].evil.example` is read as the host `::1` by the library, and otherwise by others; the origin stands in the
# security policy of the consent page, where `;` and `,` would begin something new, and in 255 characters of a row.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,240})(:[0-9]{1,5})?")


def check_redirect_uri(uri: str, *, http_loopback: bool) -> None:
    """Let an absolute https URL pass, and http on loopback where that is allowed (FAPI 2.0 §5.3.2.2-8).

    Raises:
        InvalidRequest: any other text.
    """
    if not _is_redirect_uri(uri, http_loopback=http_loopback):
        raise InvalidRequest("A redirect URI is an absolute https URL without fragment and user information.")


def _is_redirect_uri(uri: str, *, http_loopback: bool) -> bool:
    # Visible ASCII only: a line break would end the header that carries it, and other characters can be hidden.
    if not _URL.fullmatch(uri) or "#" in uri or "*" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
        is_clean = parts.hostname and _PLACE.fullmatch(parts.netloc) and parts.port != 0
    except ValueError:
        return False
    is_loopback = http_loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(is_clean) and (parts.scheme == "https" or is_loopback)
