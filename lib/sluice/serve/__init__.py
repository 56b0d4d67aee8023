"""Answers over HTTP from what `export` wrote to PostgreSQL; uploads become jobs, each in a process of its own."""
