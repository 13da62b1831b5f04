"""The page about Driftline itself."""
