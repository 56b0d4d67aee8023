#!/usr/bin/env bash
# The main job on a cluster: products from S3, through a lake on S3, to PostgreSQL. Variables name them all, see `demo`
# in docker-compose.yml.
set -euo pipefail
cd "$(dirname "$0")/.."
export SLUICE_PROGRESS=${SLUICE_PROGRESS:-plain}
file=$(mktemp --directory)/products.csv
docker/entrypoint.sh generate products --rows "${DEMO_ROWS:-500000}" --output "$file" >/dev/null
folder=$(.venv/bin/python - "$file" <<'PYTHON'
import os
import sys
from urllib.parse import urlsplit

import boto3

s3, bucket = boto3.client("s3"), urlsplit(os.environ["SLUICE_LAKE"]).netloc
if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket)
s3.upload_file(sys.argv[1], bucket, "landing/products.csv")
print(f"s3://{bucket}/landing/")
PYTHON
)
exec docker/entrypoint.sh run products "$folder"
