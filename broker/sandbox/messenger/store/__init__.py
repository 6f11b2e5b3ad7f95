"""What Messenger remembers, in a database of its own. Tokens, names of accounts and messages are sealed."""

from dataclasses import dataclass
from typing import Self

from broker.sandbox.messenger.keys import Seal

from .connections import Connections
from .conversation import Conversation
from .database import Sessions
from .done_deletions import DoneDeletions
from .inbox import Inbox
from .journeys import Journeys
from .people import People
from .receipts import Receipts


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that is remembered, by noun."""

    people: People
    journeys: Journeys
    connections: Connections
    conversation: Conversation
    receipts: Receipts
    inbox: Inbox
    done_deletions: DoneDeletions

    @classmethod
    def over(cls, sessions: Sessions, seal: Seal) -> Self:
        """Build the store over one database and one seal."""
        return cls(
            People(sessions),
            Journeys(sessions, seal),
            Connections(sessions, seal),
            Conversation(sessions, seal),
            Receipts(sessions),
            Inbox(sessions),
            DoneDeletions(sessions),
        )
