"""The built-in tables, a file each with its `TABLE`."""
