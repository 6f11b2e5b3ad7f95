"""A simulated year of platforms and harvests, counted by the shipped counters against the shipped budgets: `make sim`."""
