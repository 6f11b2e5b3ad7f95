"""The database: engines, base types, single-use claims and migrations."""
