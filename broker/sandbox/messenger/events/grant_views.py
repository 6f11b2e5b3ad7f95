"""Grants read again at the broker (grant management): how one stands now, whatever events have come of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.grant import Granted, UnusableGrantError, read_granted
from broker.sandbox.messenger.machine import Machine, MachineFailedError

SCOPE = "grant_management_query"
NOT_FOUND = 404


class GrantStatus(StrEnum):
    """Where a grant stands, as far as it matters here."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class GrantView:
    """How one grant stands; `granted` is None when nothing of it does."""

    status: GrantStatus
    granted: Granted | None


def read_grant(machine: Machine, grant_id: str) -> GrantView:
    """Read one grant.

    Raises:
        MachineFailedError: the broker does not answer, or makes no sense.

    """
    try:
        answer = machine.call(SCOPE, "GET", f"{machine.endpoint('grant_management_endpoint')}/{grant_id}")
    except MachineFailedError as error:
        if error.status == NOT_FOUND:
            return GrantView(GrantStatus.ENDED, None)
        raise
    try:
        known = {status.value: status for status in GrantStatus}
        status = known.get(answer["status"], GrantStatus.ENDED)
        details = answer["authorization_details"]
        if status is GrantStatus.ENDED or not details:
            return GrantView(status, None)
        granted = read_granted(details, clock.now())
        ends_at = datetime.fromisoformat(answer["expires_at"]).astimezone(UTC)
    except (UnusableGrantError, KeyError, TypeError, ValueError) as error:
        raise MachineFailedError("invalid-answer") from error
    return GrantView(status, Granted(granted.categories, granted.accounts, granted.bank_id, ends_at))
