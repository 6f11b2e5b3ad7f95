"""No receipt, no data: how this bank checks, offline and by itself, that the broker logged a request before it came."""
