"""What may be shared: categories, purposes, terms, decisions and minimisation. Pure: no database, no HTTP, no clock."""

from broker.policy.catalogue import BankFacts, Catalogue
from broker.policy.contexts import Harvest, Off, PlatformFacts, Reads, ReleaseContext, RequestContext
from broker.policy.decision import Decision, Reason
from broker.policy.rules import decide

__all__ = [
    "BankFacts",
    "Catalogue",
    "Decision",
    "Harvest",
    "Off",
    "PlatformFacts",
    "Reads",
    "Reason",
    "ReleaseContext",
    "RequestContext",
    "decide",
]
