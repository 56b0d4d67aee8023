"""Sample data: how files of it are written, lists of words, and `kinds`, a module for each kind of record."""
