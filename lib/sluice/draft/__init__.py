"""Declarations drafted from files: samples, how to read them, types, a key, and TOML that says what was seen."""
