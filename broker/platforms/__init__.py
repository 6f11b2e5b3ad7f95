"""The platforms: OAuth clients that ask for data, and resource servers that may introspect."""
