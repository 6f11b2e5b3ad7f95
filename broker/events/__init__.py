"""The transactional outbox: what must be done elsewhere because something changed here."""
