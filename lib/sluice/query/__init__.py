"""Questions to a table, answered from the smallest table that gives the exact answer."""
