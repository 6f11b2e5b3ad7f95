"""The refusals and failures of the domain: each has a stable code and a detail that is safe to show.

No status code stands here: `edge.problems` and `oauth.errors` hold the only tables to HTTP.
"""

from collections.abc import Mapping


class BrokerError(Exception):
    """Base of every refusal and failure that the broker knows.

    `code` is stable and documented; `detail` is one sentence for people and never holds a secret or bank data.
    `rule` is the id of the policy that refused, None where no policy did. `wording` is the sentence before the `values`
    were put into it: a page looks up its translation.
    """

    code = "internal-error"
    detail = "Something went wrong on our side."

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        rule: str | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        self.rule, self.values = rule, values
        if code is not None:
            self.code = code
        self.wording = self.detail if detail is None else detail
        self.detail = self.wording % values if values else self.wording
        super().__init__(f"{self.code}: {self.detail}")


class InvalidRequest(BrokerError):
    """The request is malformed: a missing, repeated, unknown or badly typed part."""

    code = "invalid-request"
    detail = "The request is not well formed."


class NotFound(BrokerError):
    """There is no such thing, or it is somebody else's: the same answer for both."""

    code = "not-found"
    detail = "There is nothing here for you."


class TokenRefused(BrokerError):
    """The access token gives no access any more: unknown, expired, or its grant has ended."""

    code = "token-unknown"
    detail = "This access token is not valid."


class CredentialRefused(BrokerError):
    """The audit credential is missing, unknown, expired or revoked: which, is not told."""

    code = "audit-credential-refused"
    detail = "The entries of a log are shown to the bank they are about. A living audit credential is needed."


class ProofRefused(BrokerError):
    """The DPoP proof is missing, malformed, replayed or made with another key (RFC 9449 §4.3)."""

    code = "dpop-proof-invalid"
    detail = "The DPoP proof does not fit this request."


class ProofNonceNeeded(ProofRefused):
    """The DPoP proof needs the nonce that this refusal names (RFC 9449 §8, §9)."""

    code = "dpop-nonce-needed"
    detail = "The DPoP proof must hold the nonce of the header DPoP-Nonce."

    def __init__(self, nonce: str = "") -> None:
        super().__init__()
        self.nonce = nonce


class ScopeMissing(BrokerError):
    """The client's token for itself does not have the scope that this needs."""

    code = "scope-missing"
    detail = "The access token does not have the scope that this needs."

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope


class ReleaseRefused(BrokerError):
    """The grant lives, but does not let this category, account or field out now."""

    code = "category-not-granted"
    detail = "The person has not granted this."


class FrequencyExceeded(BrokerError):
    """The category was read as often as it may be today; `retry_after_s` is when the next day begins."""

    code = "frequency-exceeded"
    detail = "This was read as often today as it may be."

    def __init__(
        self, detail: str | None = None, *, code: str | None = None, rule: str | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(detail, code=code, rule=rule)
        self.retry_after_s = retry_after_s


class TooManyCalls(FrequencyExceeded):
    """The same was asked for a moment ago; `retry_after_s` is when it may be asked for again."""

    code = "too-many-calls"
    detail = "This was asked for a moment ago."


class AlreadyThere(BrokerError):
    """What is to be made exists already."""

    code = "already-there"
    detail = "There is one already."


class AlertRefused(BrokerError):
    """What a bank has raised is told to nobody: no permission is about it, or none lets it out now."""

    code = "alert-not-granted"
    detail = "No permission lets an app know of this."


class PolicyRefused(BrokerError):
    """The policies do not allow what was asked for: purpose, category, ceiling or bank facts."""

    code = "policy-refused"
    detail = "The policies do not allow this."


class ConsentRefused(BrokerError):
    """The act on a proposal or grant is not possible in its present state, or its choice is empty or too wide."""

    code = "consent-invalid"
    detail = "This choice cannot be accepted."


class SignInRequired(BrokerError):
    """The page needs a signed-in person (or a member of staff)."""

    code = "sign-in-required"
    detail = "Please sign in."


class SignInRefused(BrokerError):
    """The bank's sign-in failed, was cancelled, or its answer cannot be trusted."""

    code = "sign-in-refused"
    detail = "The bank did not confirm who you are."


class PasskeyRefused(BrokerError):
    """What the browser sent of a passkey proves nothing here; whether somebody else has that passkey is not told."""

    code = "passkey-refused"
    detail = "This passkey could not be used here."


class NotPermitted(BrokerError):
    """Whoever is signed in may not see this page."""

    code = "not-permitted"
    detail = "This page is not for the account that you are signed in with."


class FormExpired(BrokerError):
    """The form's CSRF token is missing, wrong or too old."""

    code = "form-expired"
    detail = "This form has expired or did not come from our page. Go back, reload the page and try again."


class BankUnavailable(BrokerError):
    """The bank does not answer, or its circuit breaker is open."""

    code = "bank-unavailable"
    detail = "The bank cannot be reached at the moment."


class BankTimeout(BankUnavailable):
    """The bank did not answer in time."""

    detail = "The bank did not answer in time."


class BankInvalidAnswer(BankUnavailable):
    """The bank's answer cannot be used: wrong shape, too large, not this customer's, a redirect."""

    detail = "The bank's answer could not be used."


class BankSignInNeeded(BankUnavailable):
    """The bank no longer accepts the broker's credential: the person must sign in at the bank again."""

    code = "bank-sign-in-needed"
    detail = "The bank asks the person to sign in again."


class BankRefusedReceipt(BankUnavailable):
    """The bank gave no data because the receipt that came with the request did not satisfy it."""

    code = "bank-refused-receipt"
    detail = "The bank did not accept the receipt of the broker's log."


class LogUnavailable(BrokerError):
    """The audit log cannot be written, therefore nothing leaves (invariant 1)."""

    code = "log-unavailable"
    detail = "The audit log cannot be written at the moment, so nothing was released or changed."


class StorageUnavailable(BrokerError):
    """The database cannot be read or written."""

    code = "storage-unavailable"
    detail = "The broker's database is not available at the moment."


class StorageConflict(StorageUnavailable):
    """The transaction lost to another one and was undone: run again, it may well succeed."""


class NotReady(BrokerError):
    """The broker cannot serve now; the code says why and nothing else is told, because anybody may ask."""

    code = "not-ready"
    detail = "The broker cannot serve at the moment. The operator's `broker doctor` says why."


class ConfigurationInvalid(BrokerError):
    """The operator's configuration is incomplete or contradictory: the broker refuses to start."""

    code = "configuration-invalid"
    detail = "The configuration cannot be used."
