"""`broker doctor`: looks at everything that can be wrong, one noun a module, and says how to mend it."""

from broker.cli.doctor.command import doctor

__all__ = ["doctor"]
