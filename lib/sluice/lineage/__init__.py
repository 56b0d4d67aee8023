"""What a run reads and writes, told to an OpenLineage server: where one is set up, and never at a run's cost."""
