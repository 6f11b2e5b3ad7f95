"""What a client may ask to be treated by: signed messages, nonces in its proofs, scopes for itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from broker.crypto.jwt import ALGORITHMS
from broker.crypto.signing import SIGNING_ALGORITHMS
from broker.errors import InvalidRequest
from broker.policy.vocabulary import MachineScope


@dataclass(frozen=True, slots=True)
class Options:
    """Each at its default asks for nothing. `…_alg` are names of JWS algorithms (RFC 7518 §3.1, RFC 9864)."""

    requires_nonce: bool = False
    requires_signed_requests: bool = False
    request_object_signing_alg: str | None = None
    authorization_signed_response_alg: str | None = None
    introspection_signed_response_alg: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    machine_scopes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what is not at its default as plain JSON values; `from_json` reads it back."""
        told = {name: value for name, value in asdict(self).items() if value}
        return told | ({"machine_scopes": list(self.machine_scopes)} if self.machine_scopes else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Options":
        """Read what `to_json` wrote.

        Raises:
            TypeError: an unknown member: what it would demand cannot be kept.
            ValueError: an unknown machine scope.
        """
        scopes = tuple(MachineScope(name).value for name in value.get("machine_scopes", ()))
        return cls(**{**value, "machine_scopes": scopes})


NO_OPTIONS = Options()


def check_algorithms(options: Options) -> None:
    """Refuse an algorithm that clients may not sign with, or that the broker does not.

    Raises:
        InvalidRequest: naming the option.
    """
    allowed = {
        "request_object_signing_alg": ALGORITHMS,
        "authorization_signed_response_alg": SIGNING_ALGORITHMS,
        "introspection_signed_response_alg": SIGNING_ALGORITHMS,
    }
    for name, algorithms in allowed.items():
        if getattr(options, name) not in (None, *algorithms):
            raise InvalidRequest(f"{name} must be one of {', '.join(algorithms)}.")
