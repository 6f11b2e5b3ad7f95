"""The pages of a platform's own people: their client, its keys, its calls, and how to try it."""
