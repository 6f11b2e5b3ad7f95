"""What a bank posts of an alert: whose it is, on which account, and the bank's own id of it. Never what it says."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """One post. `client_id` is who posts; `subject`, `account_ref` and `ref` are the bank's own words."""

    client_id: str
    subject: str
    account_ref: str
    ref: str
    occurred_at: datetime
    interaction_id: str
