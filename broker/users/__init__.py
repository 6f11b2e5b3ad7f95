"""The people who grant: a user is a set of (bank, subject at that bank)."""
