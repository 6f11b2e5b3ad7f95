"""Verifiers that others have written judge what `broker.tlog` makes: `make test-interop`."""
