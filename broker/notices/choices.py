"""What a person wants to be told, and on which way."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.notices.models import ChoiceRow
from broker.notices.vocabulary import ALWAYS_IN_INBOX, OFF_AT_FIRST, Topic, Way

Chosen = frozenset[tuple[Topic, Way]]


def is_fixed(topic: Topic, way: Way) -> bool:
    """Say whether this cannot be turned off."""
    return way is Way.INBOX and topic in ALWAYS_IN_INBOX


def wanted(session: Session, user_id: str) -> Chosen:
    """Return everything that the person wants to be told, each with its way."""
    rows = session.execute(
        select(ChoiceRow.topic, ChoiceRow.way, ChoiceRow.is_on).where(ChoiceRow.user_id == user_id)
    ).all()
    said = {(row.topic, row.way): row.is_on for row in rows}
    return frozenset(
        (topic, way)
        for topic in Topic
        for way in Way
        if is_fixed(topic, way) or said.get((topic.value, way.value), (topic, way) not in OFF_AT_FIRST)
    )


def choose(session: Session, user_id: str, chosen: Collection[tuple[Topic, Way]]) -> None:
    """Keep what the person wants to be told from now on; what cannot be turned off stays on."""
    for topic in Topic:
        for way in Way:
            if not is_fixed(topic, way):
                row = ChoiceRow(user_id=user_id, topic=topic.value, way=way.value, is_on=(topic, way) in chosen)
                session.merge(row)
