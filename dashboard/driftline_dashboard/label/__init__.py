"""The page for labels, and how far the judge agrees with people."""
