"""One request to the provider: each parameter read from one place, at most once, in characters OAuth allows."""

import re

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Request
from werkzeug.datastructures import MultiDict

_LONGEST = 4096
# RFC 6749 appendix A: state and nonce may hold any visible character; the others end up in error descriptions, which
# exclude the quotation mark and the backslash.
_FREE = re.compile(r"[\x20-\x7e]*")
_PLAIN = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
_FREE_NAMES = frozenset({"state", "nonce"})


class ProviderRequest(OAuth2Request):  # type: ignore[misc]  # Authlib publishes no types
    """A request whose URL is the configured one, never what the Host header claims."""

    def __init__(self, request: Request, base_url: str) -> None:
        super().__init__(method=request.method, uri=base_url + request.path, headers=request.headers)
        self._fields = request.args if request.path == "/authorize" else request.form
        self.payload = BasicOAuth2Payload(self._fields.to_dict())

    @property
    def args(self) -> MultiDict[str, str]:
        """Return the parameters."""
        return self._fields

    @property
    def form(self) -> MultiDict[str, str]:
        """Return the parameters."""
        return self._fields


def is_well_formed(fields: MultiDict[str, str]) -> bool:
    """Tell whether no parameter is repeated, overlong or holds forbidden characters (RFC 6749 §3.1, appendix A)."""
    for name, values in fields.lists():
        allowed = _FREE if name in _FREE_NAMES else _PLAIN
        if len(values) != 1 or len(values[0]) > _LONGEST or not allowed.fullmatch(values[0]):
            return False
    return True
