"""The transparency log's public formats: what anybody needs to verify a log without trusting the broker.

Pure: `hashlib`, `cryptography` and the standard library. It reads no clock, no file, no database and no network, and
imports nothing else of the broker, so that a bank or an auditor can use it alone.
"""
