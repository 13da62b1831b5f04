"""The composition root: commands, ``up`` and ``demo``."""
