"""A C2SP tlog-witness that any bank can run: remembers the last head of each log and cosigns only what continues it.

Needs neither a database nor the rest of the broker: a folder, a key and the tree's arithmetic (`broker.tlog`).
"""
