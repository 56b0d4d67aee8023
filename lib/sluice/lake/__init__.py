"""The only folder that touches Delta: through Spark (`lake`), its log without a JVM (`log`), small tables, locks."""
