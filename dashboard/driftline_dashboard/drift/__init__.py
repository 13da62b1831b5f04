"""The page of drift: monitors, their evidence, and what they found."""
