"""S3 by boto3: its client and credentials (`client`), input files (`inputs`), small objects of a lake (`objects`)."""
