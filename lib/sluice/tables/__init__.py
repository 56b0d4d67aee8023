"""The built-in tables: a module each, which is found by its `TABLE`. A new table is a new module."""
