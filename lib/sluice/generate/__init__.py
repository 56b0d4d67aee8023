"""Sample data: how files of it are written, and `kinds`, a module for each kind of record."""
