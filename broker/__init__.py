"""A consent-gated broker between banks and platforms."""

__version__ = "0.1.0"
