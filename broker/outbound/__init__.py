"""The one HTTP client: whatever the broker asks of another machine goes through here."""

from broker.outbound.answer import Answer
from broker.outbound.client import OutboundClient
from broker.outbound.exchange import TOKEN_FORM
from broker.outbound.session import OutboundAdapter, OutboundSession, guard
from broker.outbound.target import is_at

__all__ = ["TOKEN_FORM", "Answer", "OutboundAdapter", "OutboundClient", "OutboundSession", "guard", "is_at"]
