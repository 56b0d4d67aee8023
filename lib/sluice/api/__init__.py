"""Sluice from Python: `sluice.lake` reads a lake without Spark, `sluice.run` runs a job in a process of its own."""
