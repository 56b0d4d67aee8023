"""CSV files: record ends (`scan`), cutting (`ranges`), rows and rejects (`parse`), reading in Spark (`reader`)."""
