"""Switches: a bank or the operator turns off a kind of data, an app, a bank or everything; counts for the next call."""
