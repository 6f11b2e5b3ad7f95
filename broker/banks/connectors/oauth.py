"""The broker's own credential at a bank: renewed with a signed assertion, taken back when the last grant ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from broker.banks.connector import Credential
from broker.banks.connectors import values
from broker.banks.connectors.discovery import Discovery
from broker.banks.connectors.fields import Fields
from broker.clock import Clock
from broker.crypto.jwt import ASSERTION_TYPE
from broker.errors import BankInvalidAnswer, BankSignInNeeded
from broker.outbound import TOKEN_FORM, Answer, OutboundClient

_OK: Final = 200
_LONGEST_LIFE_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class BankEndpoint:
    """Where a bank is and who the broker is there. `issuer` and `api_base` are URLs without a slash at the end.

    `receipts_required` says that the bank is asked for no data without a receipt.
    """

    bank_id: str
    issuer: str
    api_base: str
    client_id: str
    receipts_required: bool = True


class BankTokens:
    """Renews and revokes the tokens that one bank gave the broker."""

    def __init__(self, bank: BankEndpoint, http: OutboundClient, assertion: Callable[[str], str], clock: Clock) -> None:
        self._bank = bank
        self._http = http
        self._assertion = assertion
        self._clock = clock
        self.discovery = Discovery(bank.bank_id, bank.issuer, bank.api_base, http, clock)

    def renew(self, credential: Credential) -> Credential:
        """Exchange the refresh token for a new access token (RFC 6749 §6).

        Raises: BankSignInNeeded when there is none or the bank no longer takes it; BankUnavailable and its kinds.
        """
        if credential.refresh_token is None:
            raise BankSignInNeeded
        url = self.discovery.metadata().token_endpoint
        answer = self._post(url, {"grant_type": "refresh_token", "refresh_token": credential.refresh_token})
        if answer.status != _OK:
            raise _refusal(answer)
        fields = Fields(answer.json(), "token")
        fields.get("token_type", _bearer)
        return Credential(
            access_token=fields.get("access_token", _token),
            refresh_token=fields.find("refresh_token", _token) or credential.refresh_token,
            expires_at=self._clock() + fields.get("expires_in", _life),
        )

    def revoke(self, credential: Credential) -> None:
        """Make both tokens worthless at the bank (RFC 7009 §2.1).

        Raises: BankInvalidAnswer when the bank offers no revocation or does not confirm it; BankUnavailable.
        """
        url = self.discovery.metadata().revocation_endpoint
        if url is None:
            raise BankInvalidAnswer("The bank offers no way to take a token back.")
        tokens = {"refresh_token": credential.refresh_token, "access_token": credential.access_token}
        # The refresh token first: with it alone alive, a new access token could still be had.
        for hint, token in tokens.items():
            if token is not None and self._post(url, {"token": token, "token_type_hint": hint}).status != _OK:
                raise BankInvalidAnswer("The bank did not confirm that the token has ended.")

    def _post(self, url: str, fields: dict[str, str]) -> Answer:
        identified = {
            **fields,
            "client_id": self._bank.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            # The audience is the issuer that the operator configured, never a URL out of the bank's metadata: a
            # hostile bank could name another bank's endpoint there and use the assertion at that bank.
            "client_assertion": self._assertion(self._bank.issuer),
        }
        return self._http.post_form(url, identified, {"Accept": "application/json"}, breaker=self._bank.bank_id)


def _refusal(answer: Answer) -> BankSignInNeeded | BankInvalidAnswer:
    """Tell a grant that has ended at the bank (RFC 6749 §5.2) from every other trouble."""
    fields = Fields(answer.json(), "token error")
    if fields.get("error", values.text) == "invalid_grant":
        return BankSignInNeeded()
    return BankInvalidAnswer("The bank refused to renew the broker's access.")


def _bearer(value: Any) -> None:
    if not isinstance(value, str) or value.lower() != "bearer":
        raise ValueError


def _token(value: Any) -> str:
    return values.pattern(value, TOKEN_FORM)


def _life(value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError
    return timedelta(seconds=min(value, _LONGEST_LIFE_S))
