"""The folder that ``driftline run`` puts in front of PYTHONPATH."""
