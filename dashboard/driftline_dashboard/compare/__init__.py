"""The page of comparisons: two versions, models, variants or periods."""
