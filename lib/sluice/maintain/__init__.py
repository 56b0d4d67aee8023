"""Upkeep of tables, a file a command."""
