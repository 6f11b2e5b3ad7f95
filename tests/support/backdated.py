"""Puts into a sandbox's database what would take days to come about: a request whose time is over, a silent app."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broker.events.vocabulary import EventType

_WAITS_S = 30


def is_overdue(info: dict[str, Any], deletion_id: str) -> None:
    """Let the time of a request to delete have ended yesterday."""
    _runs(info, "UPDATE deletions SET respond_by = ? WHERE id = ?", _ago(days=1), deletion_id)


def is_silent(info: dict[str, Any], grant_id: str, platform_id: str) -> None:
    """Let an app have been told of a permission an hour ago, and have confirmed nothing since."""
    stream = (
        "INSERT INTO event_streams (id, receiver, method, requested, status, failures, created_at, updated_at)"
        " VALUES (?, ?, 'urn:ietf:rfc:8936', ?, 'enabled', 0, ?, ?)"
        " ON CONFLICT (receiver) DO UPDATE SET requested = excluded.requested"  # another test may have made it
    )
    requested = json.dumps([EventType.GRANT_CHANGED, EventType.FRAUD_ALERT])
    _runs(info, stream, grant_id, platform_id, requested, _ago(hours=1), _ago(hours=1))
    chain = (
        "INSERT INTO event_chains (receiver, grant_id, is_bank, last_sequence, acknowledged_sequence, suspended)"
        " VALUES (?, ?, 0, 1, 0, '[]') ON CONFLICT DO UPDATE SET acknowledged_sequence = 0"
    )
    _runs(info, chain, platform_id, grant_id)
    delivery = (
        "INSERT INTO event_deliveries (jti, stream_id, receiver, grant_id, sequence, event_type, claims, state,"
        " attempts, refusals, created_at, waits_since) VALUES (?, 'none', ?, ?, 1, 'none', '{}', 'waiting', 1, 0, ?, ?)"
    )
    _runs(info, delivery, grant_id, platform_id, grant_id, _ago(hours=1), _ago(hours=1))


def _runs(info: dict[str, Any], statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(Path(info["data_dir"]) / "broker.db", timeout=_WAITS_S)) as connection:
        with connection:
            changed = connection.execute(statement, values).rowcount
        assert changed == 1, statement


def _ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%d %H:%M:%S.%f")
