"""How the API says no, taken from the two tables of errors."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from broker import errors
from broker.edge import problems
from broker.errors import BrokerError
from broker.oauth import errors as oauth_errors

Json = dict[str, Any]

_PROOF = (errors.TokenRefused, errors.ProofRefused, errors.ProofNonceNeeded)
_ALWAYS = (errors.InvalidRequest, errors.NotFound, errors.StorageUnavailable)
OF_TOKEN = (*_ALWAYS, *_PROOF, errors.LogUnavailable)
"""What anybody with an access token may be told."""
OF_DATA = (
    *OF_TOKEN,
    errors.ReleaseRefused,
    errors.PolicyRefused,
    errors.FrequencyExceeded,
    errors.BankUnavailable,
    errors.BankTimeout,
    errors.BankInvalidAnswer,
    errors.BankSignInNeeded,
    errors.BankRefusedReceipt,
)
"""What a call for data may be told."""
OF_MACHINE = (
    *OF_TOKEN,
    errors.ScopeMissing,
    errors.NotPermitted,
    errors.ConsentRefused,
    errors.AlreadyThere,
    errors.TooManyCalls,
)
"""What a client with a token for itself may be told."""
OF_ALERT = (*OF_MACHINE, errors.AlertRefused, errors.FrequencyExceeded)
"""What a bank may be told that posts an alert."""
OF_AUDITOR = (*_ALWAYS, errors.CredentialRefused)
"""What a verifier may be told."""
OF_ANYBODY = _ALWAYS
"""What a caller may be told where nobody has to say who it is."""

PROBLEM: Json = {
    "type": "object",
    "description": "A problem (RFC 9457). `code` is stable: programs look at it, people read `detail`.",
    "additionalProperties": False,
    "required": ["title", "status", "code", "detail", "instance"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
        "detail": {"type": "string"},
        "rule": {"type": "string", "description": "The id of the policy that refused."},
        "instance": {"type": "string", "description": "The interaction id of this call, as a URN."},
    },
}
OAUTH_ERROR: Json = {
    "type": "object",
    "description": "An error of OAuth (RFC 6749 §5.2), with the broker's own, finer `code` where there is one.",
    "additionalProperties": False,
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
    },
}


def told_as_problems(kinds: Iterable[type[BrokerError]]) -> Json:
    """Return the responses for these refusals by status, each with the codes and an example."""
    by_status: defaultdict[int, list[type[BrokerError]]] = defaultdict(list)
    for kind in kinds:
        by_status[problems.TABLE[kind][0]].append(kind)
    return {str(status): _problem(status, by_status[status]) for status in sorted(by_status)}


def told_by_oauth() -> Json:
    """Return the responses of the OAuth endpoints by status."""
    by_status: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for status, error in oauth_errors.TABLE.values():
        by_status[status][error] = None
    by_status[oauth_errors.STATUS["invalid_client"]]["invalid_client"] = None
    return {
        str(status): {
            "description": ", ".join(f"`{error}`" for error in names),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}},
        }
        for status, names in sorted(by_status.items())
    }


def _problem(status: int, kinds: list[type[BrokerError]]) -> Json:
    examples = {
        kind.code: {
            "value": {
                "title": problems.TABLE[kind][1],
                "status": status,
                "code": kind.code,
                "detail": kind.detail,
                "instance": "urn:uuid:0193569c-5c2e-7c3a-9d3b-0f5f0e3b2a11",
            }
        }
        for kind in kinds
    }
    return {
        "description": "; ".join(dict.fromkeys(problems.TABLE[kind][1] for kind in kinds)),
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        },
    }
