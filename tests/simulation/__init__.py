"""A simulated year of platforms and harvests, counted by the shipped counters: `make sim`."""
