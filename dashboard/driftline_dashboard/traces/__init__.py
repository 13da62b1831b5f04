"""The page of traces: search, one trace step by step, and the step that fails most."""
