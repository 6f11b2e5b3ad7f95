"""What may be shared: categories, purposes, terms, decisions and minimisation. Pure: no database, no HTTP, no clock."""

from broker.policy.catalogue import Catalogue
from broker.policy.decision import Decision, Reason
from broker.policy.rules import Reads, ReleaseContext, RequestContext, decide

__all__ = ["Catalogue", "Decision", "Reads", "Reason", "ReleaseContext", "RequestContext", "decide"]
