"""The bank's data API in the standard it speaks, the record of what it served, and the faults it can play."""
