"""Measures WSGI servers as the broker needs them: `python -m tests.bench.servers`.

Candidates that are not installed are left out; docs/decisions/0012 holds the figures of the choice.
"""
