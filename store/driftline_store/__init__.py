"""The store: schema, migrations, the embedded engine, and what every number means."""
