"""Signing in at a bank, for its customers and its staff."""

from broker.web.sign_in.routes import blueprint

__all__ = ["blueprint"]
