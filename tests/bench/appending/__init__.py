"""Measures the log: what grouping commits gains, and what the tree, the signature and the receipts cost on top."""
