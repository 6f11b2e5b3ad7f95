"""Messenger's stream of events: registered at the broker, with its own address and header (SSF 1.0 §8.1.1)."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from broker.sandbox.messenger.config import Config, is_safe_url, origin_of
from broker.sandbox.messenger.machine import Machine, MachineFailedError

from .vocabulary import EventType

SCOPE = "ssf.manage"
PUSH = "urn:ietf:rfc:8935"


class EventStream:
    """Asks for the stream, and knows the issuer's addresses."""

    def __init__(self, config: Config, machine: Machine, authorization: str) -> None:
        self._config = config
        self._machine = machine
        self._authorization = authorization
        self._metadata: Mapping[str, Any] | None = None

    def register(self) -> bool:
        """Make the stream, or have the present one lead here: that also lets the broker send at once what waits.

        Returns:
            Whether there was none, so that whatever happened before was not told.

        Raises:
            MachineFailedError: the broker is not up, or refuses.

        """
        url = self._address("configuration_endpoint")
        found = self._machine.call(SCOPE, "GET", url)
        wanted = {
            "delivery": {
                "method": PUSH,
                "endpoint_url": f"{self._config.base_url}/events",
                "authorization_header": self._authorization,
            },
            "events_requested": [kind.value for kind in EventType],
            "description": f"{self._config.name}: what it should know about permissions",
        }
        present = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None
        if present is None:
            self._machine.call(SCOPE, "POST", url, wanted)
        else:
            self._machine.call(SCOPE, "PATCH", url, wanted | {"stream_id": present.get("stream_id")})
        return present is None

    def jwks_uri(self) -> str:
        """Return where the issuer publishes its keys.

        Raises:
            KeyError: it does not say where, or cannot be asked.

        """
        try:
            return self._address("jwks_uri")
        except MachineFailedError as error:
            raise KeyError(error.code) from error

    def _address(self, name: str) -> str:
        if self._metadata is None:
            issuer = self._config.issuer
            path = issuer.removeprefix(origin_of(issuer))
            metadata = self._machine.read(f"{origin_of(issuer)}/.well-known/ssf-configuration{path}")
            if metadata.get("issuer") != issuer:
                raise MachineFailedError("invalid-metadata")
            self._metadata = metadata
        url = self._metadata.get(name)
        if not isinstance(url, str) or not is_safe_url(url):
            raise MachineFailedError("invalid-metadata")
        return url


def authorization_of(secret: bytes) -> str:
    """Return the header that each push must bring: random, since the secret is, and the same after each start."""
    digest = hmac.new(secret, b"the Authorization header of the event stream", sha256).digest()
    return f"Bearer {urlsafe_b64encode(digest).rstrip(b'=').decode()}"
