"""What the broker tells Messenger of its own accord: received, checked, and acted upon in the chat."""
