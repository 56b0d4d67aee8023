"""The command line: Click commands whose outcome is a report, and groups of options."""
