"""Banks that speak the UK Open Banking Read/Write API, version 4, account information (OBIE)."""
