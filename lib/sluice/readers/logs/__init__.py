"""Request logs: one line (`formats`, `values`), a file's layout (`layout`), blocks of lines (`quick`, `parse`), all of
it in Spark (`reader`)."""
