"""Files of lines: a pattern or JSON objects (`formats`), a file's layout (`layout`), rows and rejects (`parse`), all of
it in Spark (`reader`)."""
