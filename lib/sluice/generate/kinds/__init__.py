"""Sample data, a file a kind of record, named like its table."""
