"""From the bus to the store: ingest, conventions, prices, judge."""
