"""Grants: what a person agreed to share with whom, for what and for how long; and every act on it."""
