"""Messenger, a chat platform in the sandbox.

An outsider: its own process, its own database, nothing of the broker but HTTP. It stands for any platform that
wants to answer "what's my balance?" in a conversation.
"""
