"""What the families of readers share: byte ranges, lines, records in Arrow batches, reading in Spark."""
