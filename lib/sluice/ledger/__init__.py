"""A file for each table that Sluice keeps for itself, and `recording`, which writes the row of a run."""
