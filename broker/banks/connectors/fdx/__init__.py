"""Banks that speak the FDX API, version 6 (Financial Data Exchange; United States and Canada)."""
