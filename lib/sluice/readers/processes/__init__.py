"""Listings of processes: a file for each family of tools, `listing` for a file of any, in Spark (`reader`)."""
