"""The job `status`: in what state all tables are, what runs, and which run waits for which; without a JVM."""
