"""Request logs: one line (`formats`), blocks of lines (`parse`), in Spark (`reader`)."""
