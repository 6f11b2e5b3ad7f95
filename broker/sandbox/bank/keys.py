"""The bank's own secrets: the key that signs ID tokens and the one that signs its cookie.

Trusted: whoever can read this file can sign in as any customer, so it is created readable by its owner alone.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.sandbox.bank.config import ConfigError


@dataclass(frozen=True, slots=True)
class BankKeys:
    """The signing key (ES256, with kid) and the cookie secret."""

    signing: ECKey
    cookie_secret: str

    def public_jwks(self) -> dict[str, Any]:
        """Return what the bank publishes for checking ID tokens."""
        return {"keys": [self.signing.as_dict(private=False)]}


def load_or_create_keys(path: Path) -> BankKeys:
    """Read the bank's keys, creating them at the first start.

    Raises: ConfigError when the file cannot be written, read or understood.
    """
    try:
        if not path.exists():
            _create(path)
        fields = json.loads(path.read_text(encoding="utf-8"))
        return BankKeys(ECKey.import_key(fields["signing_key"]), str(fields["cookie_secret"]))
    except OSError as error:
        raise ConfigError(f"cannot use the key file {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ConfigError(f"{path} is not a key file of this bank") from error


def _create(path: Path) -> None:
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig", "kid": secrets.token_hex(8)})
    fields = {"signing_key": key.as_dict(private=True), "cookie_secret": secrets.token_urlsafe(32)}
    # Created with its final mode: there is no moment in which others can read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(fields, file)
