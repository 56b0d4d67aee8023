"""Listings of processes: what a process is (`row`), a file for each family of tools (`ps`, `tasklist`, `wmic`, `csv`;
`windows` for their values), a file of any of them (`listing`), its host and time (`snapshot`), in Spark (`reader`)."""
