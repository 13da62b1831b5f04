"""Finds what got worse in the arriving sums, with a false-alarm rate that is promised in advance (docs/drift.md)."""
