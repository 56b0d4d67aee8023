"""Files into a table: plan, run, refuse, classify, commit; and files of rejects read again (`replay`)."""
