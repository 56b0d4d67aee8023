"""All tables by name, built in and declared; their SQL checked; how a stored table differs from its declaration."""
