"""Measures whether the broker's operations slow down as its database grows: `python -m tests.bench.growth`."""
