"""What a table and an aggregate are: pure data, which every folder may use."""
