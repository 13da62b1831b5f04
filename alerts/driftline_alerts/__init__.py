"""Alert rules, their state, and the notifiers that carry them."""
