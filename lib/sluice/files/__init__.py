"""Input files found and read, output files written as a whole; the only folder that touches S3."""
