"""Keys and what is done with them: sealing, digests, pairwise ids, assertions. Pure: no database, no HTTP."""
