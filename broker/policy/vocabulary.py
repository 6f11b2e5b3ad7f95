"""The words that grants, policies, tokens and pages share: detail, precision, durations, states, machine scopes."""

from enum import StrEnum


class Detail(StrEnum):
    """How much of a transaction is shared, from least to most."""

    BASIC = "basic"
    DETAIL = "detail"


class Precision(StrEnum):
    """How exact a card location is, from coarsest to finest."""

    COUNTRY = "country"
    TOWN = "town"
    POSTCODE_AREA = "postcode_area"
    EXACT = "exact"


class DurationType(StrEnum):
    """Whether a grant serves one read-out or a span of days (FDX durationType)."""

    ONE_TIME = "ONE_TIME"
    TIME_BOUND = "TIME_BOUND"


class GrantStatus(StrEnum):
    """Where a grant stands (names of FDX ConsentGrant and OBIE). SUSPENDED comes of switches and is never stored."""

    AWAITING_AUTHORISATION = "AWAITING_AUTHORISATION"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_final(self) -> bool:
        """Say whether nothing can bring the grant back."""
        return self in {GrantStatus.REVOKED, GrantStatus.EXPIRED, GrantStatus.REJECTED}


class MachineScope(StrEnum):
    """What a client may do for itself, without any person's token.

    The names are those of Grant Management for OAuth 2.0 (§5) and of the interoperability profile of CAEP (§2.7.3).
    """

    GRANT_QUERY = "grant_management_query"
    GRANT_REVOKE = "grant_management_revoke"
    SSF_READ = "ssf.read"
    SSF_MANAGE = "ssf.manage"
    DELETIONS = "deletions"
    FRAUD_ALERTS_PUSH = "fraud_alerts.push"


class ClusterState(StrEnum):
    """Where one category or one account of a grant stands."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


DETAIL_ORDER = tuple(Detail)
PRECISION_ORDER = tuple(Precision)
