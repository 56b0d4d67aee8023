"""Aggregates and rankings kept up to date: `refresh` decides how, `groups` and `ranking` compute the rows.

Both compute modules offer `from_all` (every row) and `from_changes` (only the rows that differ, with `_gone`: boolean,
true for a row to be deleted), and return a `Computed`. `measures` computes the measures of one group of rows.
"""
