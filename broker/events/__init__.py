"""What must be done or told elsewhere because something changed here: tasks of our own, and events for others."""
