"""The resource server: scoped routes over `release`; it shapes answers and decides nothing."""
