"""Tests of the dashboard; a package, since a benchmark has the same name."""
