"""The mailbox of the sandbox: takes every mail that the broker sends to anybody, and shows it on a page.

An outsider like the banks: it speaks SMTP and HTTP on loopback, and imports nothing of the broker.
"""
