"""The authorization server: pushed requests, the way through the browser, tokens, revocation, introspection."""
