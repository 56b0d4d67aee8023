"""Input files found, opened and watched for changes; the only folder that touches S3."""
