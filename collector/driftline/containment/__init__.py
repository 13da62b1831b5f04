"""Which features are contained: following what the alert worker says of it, without ever waiting."""
