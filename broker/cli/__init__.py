"""The command line: one module a noun, nothing decided here."""

from broker.cli.main import main

__all__ = ["main"]
