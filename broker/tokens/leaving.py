"""Removes a platform: nothing that it holds opens anything any more when this returns."""

from datetime import datetime

from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.events.outbox import TaskKind, put
from broker.platforms import service as platforms
from broker.tokens.machine import end_machine_tokens_of
from broker.tokens.service import end_all_of_platform


def remove_platform(
    transaction: LoggedTransaction,
    platform_id: str,
    initiator: Initiator,
    now: datetime,
    *,
    interaction_id: str | None = None,
) -> None:
    """Remove a platform and end its tokens; the worker then ends its grants, each in the log of its bank.

    Raises:
        NotFound: there is no such platform.
    """
    session = transaction.session
    platforms.remove(session, platform_id, now)
    end_tokens(session, platform_id, now)
    put(session, TaskKind.PLATFORM_END, {"platform_id": platform_id}, now)
    transaction.append(Entry(Event.PLATFORM_REMOVED, initiator, platform_id=platform_id, interaction_id=interaction_id))


def end_tokens(session: Session, platform_id: str, now: datetime) -> None:
    """End every token that a platform holds, about people and for itself."""
    end_all_of_platform(session, platform_id, now)
    end_machine_tokens_of(session, platform_id, now)
