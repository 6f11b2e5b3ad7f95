"""Harvest limits: what each platform has read, whom it read, and which of its categories are held."""
