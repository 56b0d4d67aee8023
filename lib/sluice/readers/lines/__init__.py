"""Files of lines by a pattern or as JSON objects: `formats`, rows and rejects (`parse`), in Spark (`reader`)."""
