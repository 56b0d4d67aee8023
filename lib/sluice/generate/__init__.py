"""Sample data: how files are made, and `kinds`, a file a kind of record."""
