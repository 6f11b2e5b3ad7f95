"""Tells people what happens to their sharing: in a page of their own and, if they like, by mail."""
