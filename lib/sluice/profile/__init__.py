"""What a run with `--profile` leaves: Spark's event log, the plan of each step with its metrics, and profile.md."""
