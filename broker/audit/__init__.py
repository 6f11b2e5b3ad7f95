"""The audit log: what happened, in an order that cannot be changed, readable by those it concerns."""
