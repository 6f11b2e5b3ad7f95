"""Codes and tokens: digests only. A token has no authority of its own, it points to a grant (invariant 4)."""
