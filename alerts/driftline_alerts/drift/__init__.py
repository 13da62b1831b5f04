"""Drift: how the mean of a stream of numbers in [0, 1] is watched, located, declared recovered, and compared."""
