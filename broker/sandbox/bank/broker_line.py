"""How this bank speaks to the broker: as an OAuth client with a key of its own (RFC 7523, RFC 9449)."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.sandbox.bank import clock
from broker.sandbox.bank.config import BrokerAccess, ConfigError
from broker.sandbox.bank.models import AlertRow

_SCOPE = "fraud_alerts.push"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PATIENCE = (3.0, 10.0)
_LIFE_S = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What the broker said: HTTP status and JSON, empty where it was none."""

    status: int
    body: dict[str, Any]


class BrokerLine:
    """Calls to the broker. Safe to share between threads: nothing is kept from call to call."""

    def __init__(self, access: BrokerAccess) -> None:
        """Raises ConfigError when the key cannot be read."""
        self._access = access
        try:
            self._key = ECKey.import_key(json.loads(access.key_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, JoseError) as error:
            raise ConfigError(f"the key {access.key_file} cannot be read") from error

    def tells_of(self, alert: AlertRow) -> Answer:
        """Say that there is an alert, whose it is and on which account; not what it says.

        Raises: requests.RequestException when the broker cannot be reached.
        """
        token = self._token()
        if "access_token" not in token.body:
            return token
        body = {
            "subject": alert.subject,
            "accountId": alert.account_id,
            "alertId": alert.alert_id,
            "occurredAt": clock.rfc3339(clock.from_epoch(alert.raised_at)),
        }
        url, secret = f"{self._access.issuer}/v1/bank/fraud-alerts", str(token.body["access_token"])
        return self._post(url, {"Authorization": f"DPoP {secret}", "DPoP": self._proof(url, secret)}, json=body)

    def _token(self) -> Answer:
        now, own = clock.epoch(), self._access
        claims: dict[str, Any] = {"iss": own.client_id, "sub": own.client_id, "aud": own.issuer}
        claims |= {"iat": now, "exp": now + _LIFE_S, "jti": secrets.token_urlsafe(12)}
        form = {
            "grant_type": "client_credentials",
            "scope": _SCOPE,
            "client_id": own.client_id,
            "client_assertion_type": _ASSERTION,
            "client_assertion": jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key),
        }
        url = f"{own.issuer}/oauth/token"
        return self._post(url, {"DPoP": self._proof(url)}, data=form)

    def _proof(self, url: str, token: str = "") -> str:
        claims: dict[str, Any] = {"jti": secrets.token_urlsafe(12), "htm": "POST", "htu": url, "iat": clock.epoch()}
        if token:
            claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        return jwt.encode(header, claims, self._key)

    def _post(self, url: str, headers: dict[str, str], **content: Any) -> Answer:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(url, headers=headers, timeout=_PATIENCE, allow_redirects=False, **content)
        try:
            body = answer.json()
        except ValueError:
            body = {}
        return Answer(answer.status_code, body if isinstance(body, dict) else {})
