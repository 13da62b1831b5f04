"""The judge: reads a sample of the answers and scores them against a rubric, with another model."""
