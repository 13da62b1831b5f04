"""The page of alerts: incidents, what to do about them, and the rules in force."""
