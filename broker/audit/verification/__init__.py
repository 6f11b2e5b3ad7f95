"""Checks a log without trusting who keeps it: from stored bytes alone, without database, server or network."""
