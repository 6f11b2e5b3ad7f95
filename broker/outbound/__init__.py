"""The one HTTP client: whatever the broker asks of another machine goes through here."""

from broker.outbound.answer import Answer
from broker.outbound.client import OutboundClient
from broker.outbound.session import OutboundAdapter, OutboundSession, guard

__all__ = ["Answer", "OutboundAdapter", "OutboundClient", "OutboundSession", "guard"]
