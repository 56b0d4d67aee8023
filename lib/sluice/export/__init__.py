"""Tables and aggregates to PostgreSQL; the only folder that touches it."""
