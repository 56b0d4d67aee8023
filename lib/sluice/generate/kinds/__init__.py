"""Kinds of sample data, a module each, named like its table; `generate` in it writes files."""
