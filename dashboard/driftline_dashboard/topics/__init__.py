"""Pages about one thing each: quality, latency, cost, errors."""
