"""One sandbox bank: its customers' accounts, its own sign-in and its own data API, in a process of its own.

An outsider: it knows the broker only as a registered client, and shares no code with it but the invented people.
"""
