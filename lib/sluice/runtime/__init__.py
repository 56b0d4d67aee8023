"""What a running job is: its settings, session, report, progress, lines of text, and how it ends."""
